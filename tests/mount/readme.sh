#!/usr/bin/env bash
# The commands in README.md work as they stand there, but for the places where things are kept.
# What it shows of the demo is compared in demo.sh.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

readme=$top/README.md
# block TEXT: the lines between ``` of the block that holds TEXT, first come.
block() {
    awk -v wanted="$1" '
        /^```/ { if (inside && found) exit; inside = !inside; text = ""; next }
        inside { text = text $0 "\n"; found = found || index($0, wanted) }
        END { if (found) printf "%s", text }' "$readme"
}
# here: other places for those of README.md, on standard input.
here() {
    sed -e "s:/mnt/:$work/mnt/:g" -e "s:/var/lib/:$work/lib/:g" "$@"
}

# The first example, and what it shows.
mkdir -p "$work/lib" "$work/mnt/ots" "$work/mnt/mydata"
block '$ grep -r usage' | here >"$work/example"
sed -n 's/^\$ //p' "$work/example" >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 4 ] || fail 'no first example'
lib_mounts+=("$work/mnt/ots" "$work/mnt/mydata")
(cd "$work" && PATH=$build:$PATH bash -e "$work/commands") >"$work/shown" || fail 'the first example'
grep -v '^\$ ' "$work/example" >"$work/wanted"
expect_same "$work/shown" "$work/wanted"
expect_same "$work/backup/cpu/host=a.lp" "$work/mnt/mydata/metrics/cpu/host=a.lp"
unmount_otsfs "$work/mnt/mydata"

# otslocal says what it shows, and takes an account's place here.
start_otslocal "$work/lib/other"
endpoint=$(grep -oE 'http://127\.0\.0\.1:[0-9]+' "$otslocal_log")
block '$ otslocal ' | sed 1d | here -e "s|http://127.0.0.1:8087|$endpoint|" >"$work/wanted"
[ -s "$work/wanted" ] || fail 'no output of otslocal'
expect_same "$otslocal_log" "$work/wanted"
member() { # member NAME
    sed -n "s/^[[:space:]]*\"$1\":[[:space:]]*\"\\([^\"]*\\)\".*/\\1/p" "$work/lib/other/credentials.json"
}

# The file that it shows.
block '<timeline>.lp' | sed -n 's:^/mnt/ots/\(metrics/.*\.lp\)$:\1:p' >"$work/name"
block '<timeline>.lp' | tail -n 1 >"$work/line"
file=$(cat "$work/name")
[ -n "$file" ] || fail 'no name of a file'
mount_otsfs "local:$work/lib/other" "$work/first"
mkdir -p "$work/first/$(dirname "$file")"
cp "$work/line" "$work/first/$file"
unmount_otsfs "$work/first"

# The commands, in one shell.
block '$ otsfs https:' | sed -n 's/^\$ //p' |
    here -e "s|https://[^ ]*|$endpoint -o instance=local|" \
        -e "s/KEY_ID=[^ ]*/KEY_ID=$(member accessId)/" \
        -e "s/KEY_SECRET=[^ ]*/KEY_SECRET=$(member accessKey)/" >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 4 ] || fail 'no commands'
(cd / && PATH=$build:$PATH bash -e "$work/commands") >"$work/commands.log" 2>&1 ||
    fail "the commands: $(cat "$work/commands.log")"
expect_same "$work/mnt/mydata/$file" "$work/line"
is_unmounted "$work/mnt/ots" || fail 'still mounted'
block '/.range/' | sed -n 's/^\$ //p' | here >"$work/commands"
[ -s "$work/commands" ] || fail 'no view'
(cd "$work" && bash -e "$work/commands") || fail 'the copy of a view'
sed 's/,state="ok"//' "$work/line" >"$work/line.wanted"
expect_same "$work/day/$(basename "$(dirname "$file")")/$(basename "$file")" "$work/line.wanted"
unmount_otsfs "$work/mnt/mydata"

# The line of fstab. Only root may mount by it. mount(8) itself would look for otsfs in /usr and
# /usr/local only; this is what it runs.
block 'fuse.otsfs' | here >"$work/fstab"
[ -s "$work/fstab" ] || fail 'no line of fstab'
if [ "$(id -u)" = 0 ]; then
    read -r source mountpoint type options _ <"$work/fstab"
    PATH=$build:$PATH:/usr/sbin mount.fuse3 "$source" "$mountpoint" -t "$type" -o "$options" \
        >"$work/fstab.log" 2>&1 || fail "mount: $(cat "$work/fstab.log")"
    expect_same "$work/mnt/mydata/$file" "$work/line"
    umount "$work/mnt/mydata"
    wait_until no_process_of "$otsfs" "$work/mnt/mydata"
fi

# Every make target is there, and install puts there what it says.
block 'make deps' | sed -n 's/^\(sudo \)\{0,1\}make *\([a-z]*\).*/\2/p' >"$work/targets"
[ "$(wc -l <"$work/targets")" -ge 4 ] || fail 'no make targets'
unset MAKEFLAGS MFLAGS MAKELEVEL
while read -r target; do
    make -n -C "$top" ${target:+"$target"} >"$work/make.log" 2>&1 || fail "make $target"
done <"$work/targets"
make -C "$top" install DESTDIR="$work/stage" PREFIX=/opt >"$work/make.log" 2>&1 || fail 'make install'
for name in bin/otsfs bin/otslocal share/man/man1/otsfs.1 share/man/man1/otslocal.1; do
    [ -f "$work/stage/opt/$name" ] || fail "make install: no $name"
done
make -C "$top" uninstall DESTDIR="$work/stage" PREFIX=/opt >"$work/make.log" 2>&1 || fail 'make uninstall'
expect_equal "$(find "$work/stage" -type f)" '' 'left by make uninstall'

# Every option is in README.md and in the manual.
"$otsfs" --help | grep -oE '^  -o [^ ]+' | sed 's/^  -o //; s/\.\.\.$//' | tr ',' '\n' | sed 's/=.*//' >"$work/options"
[ "$(wc -l <"$work/options")" -ge 18 ] || fail 'no options'
while read -r option; do
    grep -qE "\`([^\`]*[ ,])?${option}[=\`,]" "$readme" || fail "README.md does not name -o $option"
    grep -qE "Cm ([a-z_=]+ , )?(Cm )?${option}( |=|\$)" "$top/docs/man/otsfs.1" || fail "otsfs.1 does not name -o $option"
done <"$work/options"

# Every page that it names is there.
grep -oE '\]\([^)#]+\)' "$readme" | tr -d '])(' | grep -v : | while read -r page; do
    [ -e "$top/$page" ] || fail "no $page"
done
