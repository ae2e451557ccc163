#!/bin/sh
# Scans log lines `DATE TIME LEVEL SOURCE: message` on standard input.
#   logscan.sh count [LEVEL]    lines at LEVEL or worse, by level, worst first
#   logscan.sh sources [N]      the N sources with the most errors
#   logscan.sh between FROM TO  lines with FROM <= time < TO
#   logscan.sh gaps MINUTES     pauses of at least so many minutes within a day

rank() {
    case $1 in
        DEBUG) echo 0 ;;
        INFO) echo 1 ;;
        WARN) echo 2 ;;
        ERROR) echo 3 ;;
        FATAL) echo 4 ;;
        *) echo -1 ;;
    esac
}

count_levels() {
    least=$(rank "${1:-DEBUG}")
    if [ "$least" -lt 0 ]; then
        echo "unknown level: $1" >&2
        exit 2
    fi
    awk -v least="$least" '
        BEGIN { split("DEBUG INFO WARN ERROR FATAL", names, " ") }
        { found[$3]++ }
        END {
            for (i = 5; i >= 1; i--) {
                if (i - 1 >= least && found[names[i]] > 0) {
                    print names[i], found[names[i]]
                }
            }
        }'
}

worst_sources() {
    awk '
        $3 == "ERROR" || $3 == "FATAL" { sub(/:$/, "", $4); found[$4]++ }
        END { for (name in found) print found[name], name }' |
        sort -k1,1nr -k2,2 | head -n "${1:-3}"
}

between() {
    awk -v from="$1" -v to="$2" '$2 >= from && $2 < to'
}

gaps() {
    awk -v least="$1" '
        {
            split($2, part, ":")
            now = part[1] * 60 + part[2]
            if (day == $1 && now - last >= least) {
                print $1, was, $2, now - last
            }
            day = $1
            last = now
            was = $2
        }'
}

command=$1
[ $# -gt 0 ] && shift
case $command in
    count) count_levels "$1" ;;
    sources) worst_sources "$1" ;;
    between) between "$1" "$2" ;;
    gaps) gaps "${1:-10}" ;;
    *) echo "usage: logscan.sh count|sources|between|gaps" >&2; exit 1 ;;
esac
