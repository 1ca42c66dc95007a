#!/usr/bin/env bash
# Every operation on every kind of node ends with the errno that the table of section 4 says.
# SEMANTICS 1; 2; 4 lookup, setattr, mkdir, rmdir, unlink, rename, link, statfs; 5 read; 6.1 create, write;
# 6.2; 6.3; 8; 9.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# errnos DIRECTORY: what is wrong with the table on standard input.
errnos() {
    (cd "$1" && python3 "$top/tests/errnos.py") || failures=1
}
failures=0
long=$(printf 'x%.0s' {1..128})

mount_otsfs "local:$work/data" "$work/mnt"
mkdir "$work/mnt/t" "$work/mnt/t/m" "$work/mnt/u" "$work/mnt/u/m"
echo 'm,host=a v=1i 1000' >"$work/mnt/t/m/host=a.lp"
echo 'm,host=b v=1i 1000' >"$work/mnt/t/m/host=b.lp"

echo '= instance, tables, measurements'
errnos "$work/mnt" <<TABLE
ok stat .
ok list .
ok statfs .
ok fsync .
ENOENT stat nothing
ENOENT stat .hidden
ENOENT stat t/nothing
ENOENT stat t/.hidden
ENOENT stat t/m/host=z.lp
ENOENT stat t/m/nothing
ENOENT stat t/m/.hidden
ENOENT list nothing
ENOTDIR list t/m/host=a.lp
ENOTDIR stat t/m/host=a.lp/x
EEXIST mkdir t
EEXIST mkdir t/m
EINVAL mkdir with-dash
EINVAL mkdir 1st
EINVAL mkdir .hidden
EINVAL mkdir x$long
ok mkdir $long
EINVAL mkdir t/a%20b
EINVAL mkdir t/.m
EINVAL mkdir t/a%25
EPERM mkdir t/m/deeper
EPERM rmdir t
ENOTEMPTY rmdir t/m
ENOTDIR rmdir t/m/host=a.lp
ENOENT rmdir nothing
ENOENT rmdir t/nothing
ok mkdir t/empty
ok rmdir t/empty
ENOENT stat t/empty
EISDIR unlink t
EISDIR unlink t/m
EISDIR open-write t
EISDIR open-write t/m
EPERM create file
EPERM create file.lp
EPERM create t/file.lp
EPERM create t/file
EPERM rename t t2
EPERM rename t/m t/n
EPERM rename t/m u/n
EPERM|EOPNOTSUPP|ENOSYS symlink x link
EPERM|EOPNOTSUPP|ENOSYS symlink x t/link
EPERM|EOPNOTSUPP|ENOSYS symlink x t/m/link
EPERM|EOPNOTSUPP|ENOSYS mkfifo t/m/fifo
EPERM|EOPNOTSUPP|ENOSYS link t/m/host=a.lp t/m/host=c.lp
ok chmod t
ok chmod t/m
ok chown t
ok touch t
ok touch t/m
ok fsync t
ok fsync t/m
TABLE

echo '= timelines'
errnos "$work/mnt/t/m" <<'TABLE'
ok stat host=a.lp
ok read host=a.lp
ok open-write host=a.lp
ok open-both host=a.lp
ok open-truncate host=a.lp
EEXIST create-new host=a.lp
ok create host=n.lp
ok stat host=n.lp
ok create .lp # a staging file
ok unlink .lp
EINVAL create host.lp
EINVAL create b=1,a=2.lp
EINVAL create a=%25zz.lp
EINVAL create a=%252f.lp
ok write host=a.lp m,host=a%20v=2i%202000
ok append host=a.lp m,host=a%20v=3i%203000
EINVAL write host=a.lp m,host=a%20v=nonsense%201000
EINVAL write host=a.lp m,host=b%20v=1i%201000
EINVAL write host=a.lp m,host=a%20v=1i
ok write-at host=a.lp 5 m,host=a%20v=1i%201000
ok write-on host=a.lp m,host=a%20v=2i%202000
EINVAL write-hole host=a.lp m,host=a%20v=2i%202000
EINVAL write-back host=a.lp m,host=a%20v=2i%202000
EINVAL copy-range host=a.lp host=b.lp
ok fsync host=a.lp
ok truncate host=a.lp 0
ok truncate host=a.lp 7
ok truncate host=a.lp 1000
ok map-private host=a.lp
ENODEV map-shared host=a.lp
ok chmod host=a.lp
ok chown host=a.lp
ok touch host=a.lp
EPERM unlink host=a.lp
EPERM rename host=a.lp host=c.lp
EPERM rename host=a.lp host=b.lp
EPERM rename host=a.lp ../n
EPERM|EINVAL exchange host=a.lp host=b.lp
ok write host=a.lp m,host=a%20v=1i%201000
ENOENT unlink host=z.lp
ENOENT rename host=z.lp host=a.lp
TABLE

echo '= views'
errnos "$work/mnt/t" <<'TABLE'
ok stat .range
ok list .range
ok stat .fields
ok stat .range/20200101000000-20300101000000
ok list .range/20200101000000-20300101000000
ok list .range/19700101000000Z-20300101000000Z/m
ok read .range/19700101000000Z-20300101000000Z/m/host=a.lp
ok read .fields/v/m/host=a.lp
ok read .fields/v:integer/.range/19700101000000Z-20300101000000Z/m/host=a.lp
ENOENT stat .range/20300101000000-20200101000000
ENOENT stat .range/20200101000000-20200101000000
ENOENT stat .range/20200230000000-20300101000000
ENOENT stat .range/20200101000000Z-20300101000000
ENOENT stat .range/2020-2030
ENOENT stat .range/x
ENOENT stat .fields/v,v
ENOENT stat .fields/v:number
ENOENT stat .fields/V
ENOENT stat .fields/v,
ok list .fields/none
ENOENT stat .fields/v/n
ENOENT list .fields/none/m # it has no rows there
EROFS mkdir .range/x
EROFS mkdir .fields/v/n
EROFS mkdir .fields/v/m/n
EROFS rmdir .fields/v/m
EROFS unlink .fields/v/m/host=a.lp
EROFS create .fields/v/m/host=c.lp
EROFS create .fields/v/m/temporary
EROFS open-write .fields/v/m/host=a.lp
EROFS open-both .fields/v/m/host=a.lp
EROFS truncate .fields/v/m/host=a.lp 0
EROFS chmod .fields/v/m/host=a.lp
EROFS touch .fields/v/m/host=a.lp
EROFS touch .fields/v/m
EROFS rename .fields/v/m/host=a.lp m/host=c.lp
EROFS rename .fields/v/m/host=a.lp .fields/v/m/host=b.lp
EROFS rename m/host=a.lp .fields/v/m/host=b.lp
EPERM rename .range x
EROFS|EPERM rmdir .range
EROFS mkdir .range/20200101000000-20300101000000/n
ok stat .changes
ok list .changes
ok list .changes/20200101000000Z-20200101010000Z # nothing was put then
ok list .changes/20200101000000Z-20200101010000Z/.fields/v
ENOENT stat .changes/20200101000000Z-20200101010000Z/m
ENOENT stat .changes/x
ENOENT stat .changes/20200101000000Z-20200101010000
ENOENT stat .changes/20200230000000-20300101000000
EINVAL stat .changes/20200101010000Z-20200101000000Z
EINVAL stat .changes/20200101010000-20200101010000
EINVAL stat .changes/20200101000000Z-20200101010000Z/.changes/20200101010000Z-20200101020000Z
EAGAIN stat .changes/20200101000000-99981231000000
EROFS mkdir .changes/x
EROFS mkdir .changes/20200101000000Z-20200101010000Z/n
EROFS|EPERM rmdir .changes
TABLE

echo '= staging files'
errnos "$work/mnt/t/m" <<'TABLE'
ok create draft
ok stat draft
EEXIST create-new draft
EEXIST mkdir draft
ok write draft anything
ok write-at draft 100 anything
ok write-hole draft anything
ok write-back draft anything
ok read draft
ok open-both draft
ok truncate draft 0
ok truncate draft 1000
ok truncate draft 0
ok write draft anything
ok map-private draft
ok chmod draft
ok chown draft
ok touch draft
ok fsync draft
ENOTDIR list draft
ok rename draft .draft.lp
ENOENT stat draft
EINVAL rename .draft.lp x.lp
EPERM rename .draft.lp ../draft
EPERM rename .draft.lp ../../draft
EISDIR|EPERM|ENOTEMPTY rename .draft.lp ../m
EINVAL exchange .draft.lp host=a.lp
EEXIST rename-new .draft.lp host=a.lp
ok rename .draft.lp draft
ok rename draft ../../u/m/draft
ENOENT stat draft
ok unlink ../../u/m/draft
ok write-new draft m,host=r%20v=1i%201000
ok rename draft host=r.lp
ok read host=r.lp
EROFS rename host=r.lp ../.fields/v/m/host=r.lp
TABLE

echo '= the port'
errnos "$work/mnt/t" <<'TABLE'
ok stat .write
EACCES read .write
EACCES open-both .write
ok open-write .write
ok create .write
EEXIST create-new .write
EEXIST mkdir .write
ok write .write p,host=a%20v=1i%201000
ok append .write p,host=a%20v=1i
EINVAL write .write nonsense
ok open-truncate .write
EPERM unlink .write
ENOTDIR rmdir .write
EPERM rename .write m/x
EPERM|EACCES rename m/host=a.lp .write
ENOENT stat m/.write
ENOENT stat ../.write
ENOENT stat .fields/v/.write
TABLE

echo '= .otsfs'
errnos "$work/mnt/.otsfs" <<'TABLE'
ok stat .
ok list .
ok read status
ok read metrics
ok read errors
ok list rejected
ok read rejected/t.lp
ENOENT stat nothing
ENOENT stat rejected/nothing.lp
EEXIST mkdir ../.otsfs
EPERM mkdir sub
EPERM mkdir rejected/sub
EPERM rmdir ../.otsfs
EPERM rmdir rejected
EPERM create file
EPERM create rejected/file.lp
EPERM create rejected/u.lp
EACCES open-write status
EACCES open-both metrics
EPERM truncate status 0
EPERM unlink status
EPERM unlink metrics
EPERM rename status x
EPERM rename errors x
EPERM rename ../.otsfs ../x
EPERM|EOPNOTSUPP|ENOSYS link status x
EPERM|EOPNOTSUPP|ENOSYS symlink x y
EINVAL truncate errors 5
EINVAL truncate rejected/t.lp 5
ok truncate errors 0
ok truncate rejected/t.lp 0
ok open-truncate errors
ok unlink rejected/t.lp
ok unlink errors
ok stat errors
ok fsync .
TABLE

echo '= -o ro'
mount_otsfs "local:$work/data" "$work/ro" -o ro
errnos "$work/ro" <<'TABLE'
ok list t/m
ok read t/m/host=a.lp
ok read .otsfs/status
EROFS mkdir v
EROFS mkdir t/n
EROFS create t/m/host=new.lp
EROFS create t/m/draft
EROFS open-write t/m/host=a.lp
EROFS open-write t/.write
EROFS truncate t/m/host=a.lp 0
EROFS touch t/m/host=a.lp
EROFS chmod t/m/host=a.lp
EROFS unlink t/m/host=a.lp
EROFS rmdir t
EROFS rename t/m/host=a.lp t/m/x
EROFS truncate .otsfs/errors 0
TABLE
unmount_otsfs "$work/ro"

echo '= several sources'
mount_otsfs "local:$work/data,local:$work/data2" "$work/both"
mkdir "$work/both/data2/t" "$work/both/data2/t/m"
errnos "$work/both" <<'TABLE'
ok list .
ok fsync .
ok statfs .
ENOENT stat t
ENOENT stat .otsfs
ENOENT stat .range
ok list data/.otsfs
EPERM mkdir t
EPERM mkdir data3
EEXIST mkdir data
EPERM rmdir data
EPERM create file
EPERM create host=a.lp
EPERM rename data x
EPERM|EXDEV rename data/t data2/u
ok write-new data/t/m/draft m,host=s%20v=1i%201000
EXDEV rename data/t/m/draft data2/t/m/host=s.lp
EXDEV rename data/t/m/draft data2/t/m/draft
ok rename data/t/m/draft data/t/m/host=s.lp
ENOENT stat data2/t/m/host=s.lp
ok mkdir data2/new
ENOENT stat data/new
TABLE

[ "$failures" = 0 ] || fail 'errnos are wrong'
