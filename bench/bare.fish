# The least a hook can do that notices changes without a fork: compares the variables and files it is given and
# prints the prompt. It detects nothing and defends itself against nothing; redtab is measured against it.
# Expects bare_names and bare_files.

set -l values
for name in $bare_names
    set values "$values\$$name|"
end
set -l tests true
set -l n 0
mkdir -p $REDTAB_RUN_DIR/bare
for file in $bare_files
    if test -e $file
        set n (math $n + 1)
        set -l stamp $REDTAB_RUN_DIR/bare/$n
        touch -r $file $stamp
        set -a tests "and builtin test ! '$file' -nt '$stamp' -a ! '$file' -ot '$stamp'"
    else
        set -a tests "and builtin test ! -e '$file'"
    end
end
eval "set -g __bare_seen \"$values\""
eval "function __bare_same
    builtin test \"x$values\" = \"x\$__bare_seen\"
    "(string join \n -- and\ $tests[1] $tests[2..-1] | string collect)"
end"

function fish_prompt
    if __bare_same
        printf '%s' \e'[97;41m PROD prod-eu '\e'[0m @@ '
    else
        printf '%s' 'changed @@ '
    end
end
