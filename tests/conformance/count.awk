# Counts the tests in what `go test -test.v` prints: those that have no tests within them, and those
# that failed though none within them did. Shows their results and what they said, and ends with a
# line: N passed, N failed, N skipped.
/^=== / { next }
/^ *--- (PASS|FAIL|SKIP): / {
    name = $3
    result[name] = substr($2, 1, 4)
    while (sub(/\/[^\/]*$/, "", name)) {
        has_within[name] = 1
        if ($2 == "FAIL:")
            fails_within[name] = 1
    }
    print
    next
}
/^(PASS|FAIL)$/ { next }
{ print }
END {
    for (name in result)
        if (!has_within[name] || (result[name] == "FAIL" && !fails_within[name]))
            count[result[name]]++
    printf "%d passed, %d failed, %d skipped\n", count["PASS"], count["FAIL"], count["SKIP"]
}
