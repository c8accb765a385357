# Helpers of the scripts in this folder; sourced, not run. Sets `root`, the top of the tree.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

heading() { printf '\n== %s\n' "$*" >&2; }

# die STATUS MESSAGE [HINT]: the exit codes are those of the programs (1 usage, 4 out of reach).
die() {
    printf 'error: %s\n' "$2" >&2
    [ $# -lt 3 ] || printf 'hint: %s\n' "$3" >&2
    exit "$1"
}

# The Debian mirrors that this machine uses, one URI a line, without the security archive.
debian_mirrors() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] && sed -n -E 's/^[[:space:]]*deb(-src)?[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\3/p' "$file"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] && sed -n -E 's/^URIs:[[:space:]]*//p' "$file" | tr -s '[:space:]' '\n'
    done | cat
} 2>/dev/null

# The same, only those that look like the main archive of Debian, each once.
debian_main_mirrors() { debian_mirrors | sed -n -E 's,(/debian)/?$,\1,p' | awk '!seen[$0]++'; }
