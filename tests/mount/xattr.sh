#!/usr/bin/env bash
# Attributes of timelines and options of tables as extended attributes.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

get() {
    getfattr --absolute-names --only-values -n "user.ots.$1" "$2"
}
# names FILE: of its extended attributes, each followed by a space.
names() {
    getfattr --absolute-names "$1" | sed '/^#/d; /^$/d' | tr '\n' ' '
}
set_attr() {
    setfattr -n "user.ots.attr.$1" -v "$2" "$3"
}
# The errno of one call of os.FUNCTION(ARGUMENT...), or what it returns.
call() {
    python3 - "$@" <<'PYTHON'
import errno, os, sys
function, path, *rest = sys.argv[1:]
flags = {"CREATE": os.XATTR_CREATE, "REPLACE": os.XATTR_REPLACE}
rest = [flags.get(word) or os.fsencode(word) for word in rest]
try:
    print(getattr(os, function)(path, *rest))
except OSError as error:
    print(errno.errorcode[error.errno])
PYTHON
}
# Requests for attributes and options so far.
asked() {
    echo "$(counter QueryTimeseriesMeta calls) $(counter DescribeTimeseriesTable calls)"
}

start_otslocal "$work/data" --admin
source_dir=local:$work/data
plain_table "$work/plain" 3 10
mount_otsfs "$source_dir" "$work/mnt"
cp -r "$work/plain" "$work/mnt/t"
sync "$work/mnt/t"
file=$work/mnt/t/mem/host=h0.lp
other=$work/mnt/t/mem/host=h1.lp

# Names that no node has: nobody is asked.
expect_equal "$(call getxattr "$file" security.capability)" ENOTSUP 'another name space'
expect_equal "$(call getxattr "$file" user.ots)" ENODATA 'an unknown name'
expect_equal "$(call getxattr "$file" user.mine)" ENODATA 'an unknown name'
expect_equal "$(call getxattr "$file" system.posix_acl_access)" ENOTSUP 'an ACL'
expect_equal "$(call setxattr "$file" user.mine x)" ENOTSUP 'set an unknown name'
expect_equal "$(call removexattr "$file" user.mine)" ENODATA 'remove an unknown name'
ls -l "$work/mnt/t/mem" >"$work/listing"
cp -r "$work/mnt/t" "$work/copy"
expect_equal "$(asked)" '0 0' 'requests for names that no node has'

# One attribute's life.
expect_equal "$(names "$file")" '' 'of a new timeline'
set_attr rack r1 "$file" || fail 'set'
expect_equal "$(get attr.rack "$file")" r1 'what was set'
set_attr rack '' "$file" || fail 'set an empty value'
expect_equal "$(get attr.rack "$file")" '' 'an empty value'
set_attr rack 'spaces, and 温度' "$file" || fail 'set again'
set_attr 'odd.name/x:[]\,+' v "$file" || fail 'set an odd name'
expect_equal "$(names "$file")" 'user.ots.attr.odd.name/x:[]\134,+ user.ots.attr.rack ' 'the names'
expect_equal "$(get 'attr.odd.name/x:[]\,+' "$file")" v 'an odd name'
expect_equal "$(names "$other")" '' 'of another timeline'
sync "$file" || fail 'fsync'
name=user.ots.attr.rack
expect_equal "$(call setxattr "$file" "$name" x CREATE)" EEXIST 'XATTR_CREATE'
expect_equal "$(call setxattr "$file" user.ots.attr.no x REPLACE)" ENODATA 'XATTR_REPLACE'
expect_equal "$(call setxattr "$file" "$name" x REPLACE)" None 'XATTR_REPLACE'
expect_equal "$(call setxattr "$file" user.ots.attr.new x CREATE)" None 'XATTR_CREATE'
expect_equal "$(call removexattr "$file" user.ots.attr.new)" None 'remove'
expect_equal "$(call removexattr "$file" user.ots.attr.new)" ENODATA 'remove again'
expect_equal "$(call getxattr "$file" user.ots.attr.new)" ENODATA 'of what was removed'

# What the service would refuse, and where there is nothing to set.
for bad in 'user.ots.attr.' 'user.ots.attr.a b' 'user.ots.attr.a=b' 'user.ots.attr.ä'; do
    expect_equal "$(call setxattr "$file" "$bad" x)" EINVAL "a bad key: $bad"
done
expect_equal "$(call setxattr "$file" user.ots.attr.k 'a=b')" EINVAL 'a bad value'
expect_equal "$(call setxattr "$file" user.ots.attr.k "$(printf '%020000d' 0)")" EINVAL 'too large'
expect_equal "$(call setxattr "$file" user.ots.options '{}')" ENOTSUP 'options of a timeline'
expect_equal "$(call setxattr "$work/mnt/t" user.ots.attr.k x)" ENOTSUP 'attribute of a table'
expect_equal "$(call setxattr "$work/mnt/t/mem" user.ots.attr.k x)" ENOTSUP 'of a measurement'
expect_equal "$(names "$work/mnt/t/mem")$(names "$work/mnt")" '' 'of other directories'

# Sizes; and an ACL.
python3 - "$file" <<'PYTHON' || fail 'sizes'
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
path = os.fsencode(sys.argv[1])
name = b"user.ots.attr.rack"
buffer = ctypes.create_string_buffer(4096)
assert libc.getxattr(path, name, None, 0) == 1
assert libc.getxattr(path, name, buffer, 1) == 1 and buffer.raw[:1] == b"x"
os.setxattr(path, name, b"four")
assert libc.getxattr(path, name, buffer, 3) == -1 and ctypes.get_errno() == errno.ERANGE
size = libc.listxattr(path, None, 0)
assert size == len(b"user.ots.attr.odd.name/x:[]\\,+\0" + name + b"\0")
assert libc.listxattr(path, buffer, size - 1) == -1 and ctypes.get_errno() == errno.ERANGE
assert libc.listxattr(path, buffer, size) == size
acl = bytes.fromhex("02000000" "01000600ffffffff" "04000400ffffffff" "20000400ffffffff")
try:
    os.setxattr(path, "system.posix_acl_access", acl)
    sys.exit("an ACL was set")
except OSError as error:
    assert error.errno == errno.EOPNOTSUPP
PYTHON

# Views show them and let nobody set them.
view=$work/mnt/t/.fields/count/mem/host=h0.lp
expect_equal "$(get attr.rack "$view")" four 'in a view'
expect_equal "$(call setxattr "$view" "$name" x)" EROFS 'set in a view'
expect_equal "$(call removexattr "$view" "$name")" EROFS 'remove in a view'

# A file without rows has attributes that go with its first row.
sync "$work/mnt/t"
updates=$(counter UpdateTimeseriesMeta calls)
new=$work/mnt/t/mem/host=new.lp
: >"$new"
set_attr rack r9 "$new" || fail 'set on a new file'
sync "$new" || fail 'fsync of a new file'
expect_equal "$(get attr.rack "$new")" r9 'of a file without rows'
expect_equal "$(counter UpdateTimeseriesMeta calls)" "$updates" 'updates for a file without rows'
lines mem,host=new 1 >>"$new"
sync "$new" || fail 'fsync'
expect_equal "$(counter UpdateTimeseriesMeta calls)" "$((updates + 1))" 'updates after its first row'

# Others see it all: a fresh mount, and one that was there before within a second.
mount_otsfs "$source_dir" "$work/fresh"
expect_equal "$(get attr.rack "$work/fresh/t/mem/host=h0.lp")" four 'in a fresh mount'
expect_equal "$(get attr.rack "$work/fresh/t/mem/host=new.lp")" r9 'in a fresh mount'
set_attr rack five "$work/fresh/t/mem/host=h1.lp"
sync "$work/fresh/t"
shows() {
    [ "$(get attr.rack "$other" 2>/dev/null)" = five ]
}
wait_until shows

# -o ro
mount_otsfs "$source_dir" "$work/ro" -o ro
expect_equal "$(get attr.rack "$work/ro/t/mem/host=h0.lp")" four 'with -o ro'
expect_equal "$(call setxattr "$work/ro/t/mem/host=h0.lp" "$name" x)" EROFS 'with -o ro'

# What the service refuses is told like a refused row.
set_faults '{"rules": [{"action": "UpdateTimeseriesMeta", "code": "OTSParameterInvalid", "message": "no", "times": 1}]}'
set_attr rack refused "$file"
expect_failure 'Input/output error' sync "$file"
expect_failure 'Input/output error' sync "$work/mnt/t"
sync "$work/mnt/t" || fail 'told twice'
expect_equal "$(get attr.rack "$file")" four 'after a refusal'
grep -q 'mem/host=h0.lp: its attributes were refused' "$work/mnt/.otsfs/errors" || fail 'no line in errors'
reset_faults

# An unmount does not lose what was set just before.
set_attr last minute "$other"
unmount_otsfs "$work/mnt"
expect_equal "$(get attr.rack "$work/fresh/t/mem/host=new.lp")" r9 'after the unmount'
last_shows() {
    [ "$(get attr.last "$work/fresh/t/mem/host=h1.lp" 2>/dev/null)" = minute ]
}
wait_until last_shows
