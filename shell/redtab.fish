# redtab's hook for fish. It does three things and holds no policy: notice that an input changed, call the binary,
# show what it said (docs/protocol.md). Builtins are called as such: a user's function may have any name.

if status is-interactive

set -g __redtab_bin @@REDTAB_BIN@@
set -g __redtab_live     # the last answer holds
set -g __redtab_always   # ask at every prompt
set -g __redtab_text     # the segment, plain: for other people's prompts
set -g __redtab_segment  # the segment, with its colours
set -g __redtab_say      # one line for the person
set -g __redtab_due      # the next drawing of the prompt looks
set -g __redtab_asking   # a question is under way; still set at the next prompt, it was interrupted
set -g __redtab_strikes 0 # how many prompts to leave it alone after an interrupted question
set -g __redtab_skip 0   # how many of them are left
set -g __redtab_inherited # REDTAB=off was there before this shell
builtin test "$REDTAB" = off; and set __redtab_inherited 1

# Shows a constant of ours: no answer of the binary is at hand.
function __redtab_plain
    set -g __redtab_text $argv[1]
    if builtin test -n "$NO_COLOR" -o "$TERM" = dumb
        set -g __redtab_segment "[$argv[1]] "
    else
        set -g __redtab_segment \e"[30;43m $argv[1] "\e"[0m "
    end
end

# Asks the binary. Whatever goes wrong, the old answer is gone: unknown is never shown as safe. A binary that hangs
# until Ctrl-C must not be met again at the very next prompt, nor at the one after: the shell stays usable.
function __redtab_ask
    set -g __redtab_live
    set -g __redtab_always
    set -g __redtab_say
    __redtab_plain 'redtab ?'
    if builtin test -n "$__redtab_asking"
        set -g __redtab_asking
        builtin test $__redtab_strikes -lt 32; and set -g __redtab_strikes (builtin math $__redtab_strikes x 2 + 1)
        set -g __redtab_skip $__redtab_strikes
        return 0
    end
    if builtin test $__redtab_skip -gt 0
        set -g __redtab_skip (builtin math $__redtab_skip - 1)
        return 0
    end
    # fish prints a page of its own about a command that is not there.
    builtin test -f $__redtab_bin -a -x $__redtab_bin
    or return 0
    set -g __redtab_asking 1
    set -l IFS \n # fish cuts the reply into lines by it, and not at all where it is empty
    set -l reply ($__redtab_bin hook prompt --shell fish --shell-version $version --pid $fish_pid \
        --can-block no </dev/null 2>/dev/null)
    or set reply
    set -g __redtab_asking
    set -g __redtab_strikes 0
    builtin test (builtin count $reply) -ge 2 -a "x$reply[1]" = 'xredtab 1' -a "x$reply[-1]" = 'xredtab end'
    or return 0
    builtin eval (builtin string join \n -- $reply[2..-2] | builtin string collect)
    __redtab_look
    set -g __redtab_live 1
    if builtin test -n "$__redtab_say"
        builtin printf '%s\n' $__redtab_say >&2
    end
end

# Gives a status back, for the user's own prompt shows it.
function __redtab_status
    return $argv[1]
end

function __redtab_prompt
    if builtin test "$REDTAB" = off
        set -g __redtab_live
        set -l how
        builtin test -n "$__redtab_inherited"; and set how ' (inherited)'
        __redtab_plain "redtab off$how"
    else if builtin test -n "$__redtab_live" -a -z "$__redtab_always"; and __redtab_same
        builtin true
    else
        set -g __redtab_inherited
        __redtab_ask
    end
end

# Runs the user's own prompt with the statuses of the last pipeline as he left them; ends with an x, for a command
# substitution drops the newlines at the end.
function __redtab_own
    switch (builtin count $argv)
        case 1
            __redtab_status $argv
        case 2
            __redtab_status $argv[1] | __redtab_status $argv[2]
        case 3
            __redtab_status $argv[1] | __redtab_status $argv[2] | __redtab_status $argv[3]
        case 4
            __redtab_status $argv[1] | __redtab_status $argv[2] | __redtab_status $argv[3] | __redtab_status $argv[4]
        case '*'
            __redtab_status $argv[1] | __redtab_status $argv[2] | __redtab_status $argv[3] | __redtab_status $argv[-1]
    end
    __redtab_user_prompt
end

# Wraps the user's own prompt, again whenever it was redefined. The wrapper draws after every other prompt hook, so
# that what direnv and mise export at this prompt is seen at this prompt. The segment stands after the newlines that
# the user's prompt may begin with.
function __redtab_arrange --on-event fish_prompt
    set -g __redtab_due 1
    if not builtin functions fish_prompt | builtin string match -q '*__redtab_own*'
        builtin functions -e __redtab_user_prompt 2>/dev/null
        builtin functions -c fish_prompt __redtab_user_prompt 2>/dev/null
        or function __redtab_user_prompt
            builtin printf "> "
        end
        function fish_prompt
            set -l statuses $pipestatus
            set -l IFS \n
            if builtin test -n "$__redtab_due"
                set -g __redtab_due
                __redtab_prompt
            end
            if builtin test -z "$__redtab_segment"
                __redtab_own $statuses
            else
                set -l lines (__redtab_own $statuses; builtin echo -n x)
                set -l last (builtin string sub -e -1 -- $lines[-1])
                set -e lines[-1]
                while builtin test (builtin count $lines) -gt 0 -a -z "$lines[1]"
                    builtin echo
                    set -e lines[1]
                end
                builtin printf %s $__redtab_segment
                builtin test (builtin count $lines) -gt 0; and builtin printf '%s\n' $lines
                builtin printf %s "$last"
            end
        end
    end
end

end
