# redtab's hook for fish. It does four things and holds no policy: notice that an input changed, call the binary,
# show what it said, hold back a line that it refuses (docs/protocol.md). Builtins are called as such: a
# user's function may have any name.

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
set -g __redtab_showing  # the user's own prompt is being run
# How many prompts of the user were wrapped, and the text of the last one; kept when this text is read again.
set -q __redtab_wrapped; or set -g __redtab_wrapped 0 ''
set -g __redtab_skip 0   # how many of them are left
set -g __redtab_hot      # every line goes to the guard
set -g __redtab_ask      # lines that go there though the tab is clear
set -g __redtab_shown    # what the prompt said, for the guard: nothing where it said nothing
set -g __redtab_again    # a line that runs unchecked if it comes again right away
set -g __redtab_pending  # the line that the guard is being asked about and has said nothing about
set -g __redtab_began    # when it was asked, in seconds; nothing where no clock is at hand
set -g __redtab_warned   # a broken guard was named
set -g __redtab_said     # something was written below the line that is being entered
set -g __redtab_passed   # the line that runs now came through Enter
set -g __redtab_can      # yes, or why no line can be held back
set -g __redtab_told     # which of them the binary was told when it was asked last
set -g __redtab_names_of_enter \r \n
builtin string match -rq '^([4-9]|[1-9][0-9])' -- $version; and set __redtab_names_of_enter enter ctrl-j
set -g __redtab_keys     # the key bindings in force when Enter was taken
set -g __redtab_paint    # what is printed to the terminal at every prompt
set -g __redtab_title    # what stands in front of the user's own title
set -g __redtab_note     # the file that says how the tab is painted
set -g __redtab_terminal # which terminal the binary found
set -g __redtab_memory   # a file in memory, never on disk, through which what is printed is read
set -g __redtab_file     # the same while it is there and free
set -g __redtab_settled  # what fish_prompt and Enter are when both are ours
builtin set -q __redtab_restore; or set -g __redtab_restore # what is printed when this shell ends
builtin set -q __redtab_marked; or set -g __redtab_marked # a pane of tmux carries marks, which go when this shell ends
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
    set -g __redtab_paint
    set -g __redtab_title
    set -g __redtab_shown
    set -e REDTAB_BADGE
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
    set -l jobs no
    builtin jobs -q; and set jobs yes
    set -g __redtab_told "$__redtab_can"
    set -g __redtab_asking 1
    # An interrupt of the binary ends these functions, and fish would show no prompt at all. Only while it runs: who
    # listens to SIGINT keeps fish from ending a loop by it.
    function __redtab_cut --on-signal INT
        builtin functions -e __redtab_cut
        builtin commandline -f repaint
    end
    set -l IFS \n # fish cuts the reply into lines by it, and not at all where it is empty
    set -l reply (@@REDTAB_BIN@@ hook prompt --shell fish --shell-version $version --pid $fish_pid \
        --can-block "$__redtab_can" --terminal "$__redtab_terminal" --jobs $jobs </dev/null 2>/dev/null)
    set -l rc $status
    builtin functions -e __redtab_cut
    # Interrupted: still asking, as where this function ended with it.
    builtin test $rc -ne 130; or return 0
    builtin test $rc -eq 0; or set reply
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

# Writes to the terminal, wherever stdout goes.
function __redtab_tell
    builtin test -n "$argv"; and builtin printf %s "$argv" >/dev/tty 2>/dev/null
    return 0
end

# Puts back what shows this tab's verdict outside of the prompt.
function __redtab_put_back
    __redtab_tell "$__redtab_restore"
    if builtin test -n "$__redtab_marked" -a -x "$__redtab_bin"
        @@REDTAB_BIN@@ hook exit </dev/null >/dev/null 2>/dev/null
    end
    set -g __redtab_marked
end

# The shell ends.
function __redtab_leave --on-event fish_exit
    __redtab_put_back
end

# Wraps the user's own title: fish writes it at every prompt and before every command. Where the guard painted for a
# command, its mark stands in front.
function __redtab_entitle
    builtin functions fish_title | builtin string match -q '*__redtab_title*'; and return
    builtin functions -e __redtab_user_title 2>/dev/null
    builtin functions -c fish_title __redtab_user_title 2>/dev/null
    or function __redtab_user_title
    end
    function fish_title
        set -l mark $__redtab_title
        if builtin test -z "$mark" -a -n "$__redtab_note" -a -r "$__redtab_note"
            set -l IFS \n
            set -l lines (builtin read -z <$__redtab_note | builtin string split \n)
            builtin test "$lines[3]" = title; and set mark "$lines[1] $lines[4] "
        end
        builtin printf %s "$mark"
        __redtab_user_title $argv
    end
end

# Gives a status back, for the user's own prompt shows it.
function __redtab_status
    return $argv[1]
end

# Something has changed, or may have.
function __redtab_renew
    if builtin test "$REDTAB" = off
        __redtab_put_back
        set -g __redtab_live
        set -g __redtab_paint
        set -g __redtab_restore
        set -g __redtab_title
        set -e REDTAB_BADGE
        set -l how
        builtin test -n "$__redtab_inherited"; and set how ' (inherited)'
        __redtab_plain "redtab off$how"
    else
        set -g __redtab_inherited
        __redtab_ask
        __redtab_entitle
    end
end

function __redtab_prompt
    builtin test -n "$__redtab_live" -a -z "$__redtab_always" -a "x$REDTAB" != xoff; and __redtab_same
    or __redtab_renew
    builtin test -n "$__redtab_paint"; and builtin printf %s "$__redtab_paint" >/dev/tty 2>/dev/null
end

# Runs one of the user's own prompts, $argv[1], with the statuses of the last pipeline as he left them.
function __redtab_own
    # `set -q`, not `count`: a command substitution costs more than all the rest.
    if not builtin set -q argv[3]
        __redtab_status $argv[2]
    else if builtin set -q argv[6]
        __redtab_status $argv[2] | __redtab_status $argv[3] | __redtab_status $argv[4] | __redtab_status $argv[-1]
    else if builtin set -q argv[5]
        __redtab_status $argv[2] | __redtab_status $argv[3] | __redtab_status $argv[4] | __redtab_status $argv[5]
    else if builtin set -q argv[4]
        __redtab_status $argv[2] | __redtab_status $argv[3] | __redtab_status $argv[4]
    else
        __redtab_status $argv[2] | __redtab_status $argv[3]
    end
    # A command's name is expanded nowhere in this file, but for a path of the binary that needs quotes: a Ctrl-C that comes
    # then is the end of fish (3.6). `switch` leaves the statuses alone, and costs less than `eval`.
    switch $argv[1]
        case 1
            __redtab_user_prompt_1
        case '*'
            builtin eval __redtab_user_prompt_$argv[1]
    end
end

# Draws the prompt: the segment stands after the newlines that the user's prompt may begin with.
function __redtab_show
    if builtin test -n "$__redtab_due"
        set -g __redtab_due
        __redtab_prompt
    end
    # Inside itself, where somebody's prompt calls a copy of ours, it is only the prompt that was copied.
    if builtin test -z "$__redtab_segment" -o -n "$__redtab_showing"
        __redtab_own $argv
        return
    end
    # Collected through a file in memory, else through a pipe, which wakes threads and costs four times as much: what a
    # builtin prints into a command substitution can come before the output of a program that ran before it.
    set -l own
    set -g __redtab_showing 1
    if builtin set -q __redtab_file[1]
        __redtab_own $argv >$__redtab_memory
        builtin read -z own <$__redtab_memory
    else
        __redtab_own $argv | builtin read -z own
    end
    switch "$own"
        case ''
            # It prints nothing, or there was no room for it.
            builtin printf %s $__redtab_segment
            __redtab_own $argv
        case \n'*'
            set -l lead
            builtin string match -rq -- '^(?<lead>\n*)(?<own>[\s\S]*)' "$own"
            builtin printf %s%s%s "$lead" $__redtab_segment "$own"
        case '*'
            builtin printf %s%s $__redtab_segment "$own"
    end
    set -g __redtab_showing
end

# Wraps the user's own prompt, again whenever it was redefined. The wrapper draws after every other prompt hook, so
# that what direnv and mise export at this prompt is seen at this prompt. It is short: it is looked at every time.
function __redtab_arrange
    set -g __redtab_due 1
    set -g __redtab_passed
    # Nearly always the prompt and Enter are ours: then one comparison says so. While a prompt is drawn the file is taken.
    if builtin test -w "$__redtab_memory" -a -z "$__redtab_showing"
        set -g __redtab_file $__redtab_memory
        begin
            builtin functions fish_prompt
            builtin bind --user -M "$fish_bind_mode" $__redtab_names_of_enter[1]
        end >$__redtab_memory 2>/dev/null
        builtin read -lz places <$__redtab_memory
        builtin test "x$fish_key_bindings,$fish_bind_mode,$places" = "x$__redtab_settled"; and return
    else
        set -g __redtab_file
    end
    set -g __redtab_showing
    set -g __redtab_settled
    __redtab_take_enter
    builtin test "$__redtab_told" = "$__redtab_can"; or set -g __redtab_live
    if not builtin functions fish_prompt | builtin string match -q '*__redtab_show*'
        # Somebody redefines it after us, perhaps at every prompt: from now on we are the last again.
        builtin test $__redtab_wrapped[1] -gt 0; and __redtab_register
        set -l text (builtin functions fish_prompt 2>/dev/null | builtin string collect)
        # Each has a number of its own: what a later one calls may be a copy of our wrapper around an earlier one.
        if builtin test $__redtab_wrapped[1] -eq 0 -o "x$text" != "x$__redtab_wrapped[2]"
            set -l next (builtin math $__redtab_wrapped[1] + 1)
            # A Ctrl-C may have left one behind, and over one that is there nothing is copied.
            builtin functions -e __redtab_user_prompt_$next
            builtin functions -c fish_prompt __redtab_user_prompt_$next 2>/dev/null
            or function __redtab_user_prompt_$next
                builtin printf "> "
            end
            set -g __redtab_wrapped $next "$text"
        end
        builtin eval "function fish_prompt
            __redtab_show $__redtab_wrapped[1] \$pipestatus
        end"
    end
    begin
        builtin functions fish_prompt
        builtin bind --user -M "$fish_bind_mode" $__redtab_names_of_enter[1]
    end 2>/dev/null | builtin read -lz places
    switch "$places"
        case '*__redtab_show*__redtab_enter*'
            set -g __redtab_settled "$fish_key_bindings,$fish_bind_mode,$places"
    end
end

# Puts our function on Enter wherever Enter executes, and remembers what a user's own binding did.
function __redtab_take_enter
    set -l names $__redtab_names_of_enter
    set -l mode $fish_bind_mode
    set -q mode[1]; or set mode default
    if builtin test "$__redtab_keys" = "$fish_key_bindings,$mode"
        and builtin bind --user -M $mode $names[1] 2>/dev/null | builtin string match -q '*__redtab_enter*'
        return 0
    end
    # Noted when all are ours: an interrupt may come before.
    set -l keys "$fish_key_bindings,$mode"
    set -g __redtab_can yes
    for mode in (builtin bind -L)
        builtin string match -rq '^\w+$' -- $mode; or continue
        for at in 1 2
            set -l own (builtin bind --user -M $mode $names[$at] 2>/dev/null)
            set -l preset (builtin bind --preset -M $mode $names[$at] 2>/dev/null)
            if builtin string match -q '*__redtab_enter*' -- "$own"
                continue
            else if builtin test -n "$own"
                # What fish prints is fish: the binding as words, whose last ones are what it does.
                set -l words
                builtin eval "set words $own[-1]"
                set -l key (builtin contains -i -- $names[$at] $words)
                if builtin test -z "$key"; or builtin contains -- -m $words; or builtin contains -- -k $words
                    builtin test $at = 1; and set -g __redtab_can 'Enter is bound to something else'
                    continue
                end
                set -g __redtab_own_"$mode"_$at $words[(builtin math $key + 1)..-1]
                builtin bind -M $mode $names[$at] "__redtab_enter $mode $at"
            else if builtin string match -q '* execute*' -- "$preset"
                set -l after (builtin string match -r -- ' -m (\w+)' "$preset")
                builtin test -n "$after"; and set after -m $after[2]
                set -e __redtab_own_"$mode"_$at
                builtin bind -M $mode $after $names[$at] "__redtab_enter $mode $at"
            end
        end
    end
    set -g __redtab_keys $keys
end

# Does what Enter did before it was ours.
function __redtab_execute
    set -l own __redtab_own_"$argv[1]"_"$argv[2]"
    if not set -q $own
        builtin commandline -f execute
        return
    end
    set -l inputs (builtin bind -f)
    for do in $$own
        if builtin contains -- $do $inputs
            builtin commandline -f $do
        else
            builtin eval $do
        end
    end
end

# Adds to what the guard reads a field of the kind $argv[1] with the text $argv[2] and perhaps the name $argv[3].
function __redtab_field
    # Lengths are bytes, and fish counts letters: an escaped byte has a known form.
    set -l bytes (builtin string escape --style=url -- $argv[2] | builtin string replace -ra '%..' _ | builtin string length)
    set -l name
    builtin test -n "$argv[3]"; and set name " $argv[3]"
    set -gu __redtab_input $__redtab_input "$argv[1] $bytes$name"\n"$argv[2]"\n
end

# Adds the functions and abbreviations among the words, and what those name in their turn. fish's own functions are
# nobody's scripts.
function __redtab_define
    set -l words $argv
    set -l known
    while builtin test (builtin count $words) -gt 0 -a (builtin count $known) -lt 64
        set -l word $words[1]
        set -e words[1]
        builtin contains -- $word $known; and continue
        set -l body
        if builtin abbr -q -- $word 2>/dev/null
            for line in (builtin abbr --show)
                if builtin string match -rq -- " -- "(builtin string escape -- $word | builtin string escape --style=regex)" " $line
                    set -l parts
                    builtin eval "set parts $line"
                    set body $parts[-1]
                    __redtab_field abbr "$body" $word
                end
            end
        else if builtin functions -q -- $word
            # They lie in its own directory, or within fish itself, which has no such directory then.
            set -l from (builtin functions --details -- $word)
            builtin string match -q -- 'embedded:*' $from; and continue
            builtin test -n "$__fish_data_dir"; and builtin string match -q -- "$__fish_data_dir/*" $from; and continue
            # Behind comments its head, and at last its end.
            set body (builtin functions -- $word | builtin string match -rv '^# ')
            set body (builtin string join \n -- $body[2..-2] | builtin string collect)
            __redtab_field function "$body" $word
        else
            continue
        end
        set -a known $word
        set -l named (builtin string match -ra '[^\s;|&()<>$"\'{}]+' -- "$body")
        set -a words $named
    end
end

# Adds what this shell has in the variables that the texts name. fish shows a function no variables but its own and
# those of the whole shell, so none of the names in here may be one of the user's.
function __redtab_look_up
    set -l __redtab_known
    for __redtab_name in (builtin string match -ra '\$\{?[A-Za-z_]\w*' -- $argv | builtin string trim -c '${')
        builtin contains -- $__redtab_name $__redtab_known argv history; and continue
        set -a __redtab_known $__redtab_name
        builtin string match -q '__redtab*' -- $__redtab_name; and continue
        # What is huge names no file and no target.
        builtin test (builtin count $$__redtab_name) -gt 64 -o (builtin string length -- "$$__redtab_name") -gt 4096; and continue
        builtin test (builtin count $__redtab_known) -gt 200; and return
        for __redtab_word in $$__redtab_name
            __redtab_field variable "$__redtab_word" $__redtab_name
        end
    end
end

# Whether a line of a clear tab concerns the guard: it looks like it, or an input changed since the prompt was drawn.
function __redtab_concerns
    builtin test -n "$__redtab_ask"; or return 1
    builtin string match -rq -- $__redtab_ask $argv
    and return 0
    builtin test -n "$__redtab_live"; and not __redtab_same
end

# Enter. A line that is refused stays where it is; what the guard's answers mean stands in docs/protocol.md.
function __redtab_enter
    set -l line
    builtin commandline --is-valid
    # An unfinished line gets a newline, a wrong one fish's own complaint, and an empty one is not read.
    builtin test $status -eq 0 -a "x$REDTAB" != xoff; and set line (builtin commandline -b | builtin string collect)
    if builtin test -z "$line"
        builtin test "$REDTAB" = off; and set -g __redtab_passed 1
        __redtab_execute $argv
        return
    end
    set -l hot no
    builtin test -n "$__redtab_hot"; and set hot yes
    set -l again $__redtab_again
    set -g __redtab_again
    set -g __redtab_said
    if __redtab_check $hot "$line" "$again"
        set -g __redtab_passed 1
        # Below what was said the line stands once more, and what it prints below that.
        if builtin test -n "$__redtab_said"
            __redtab_under
            builtin commandline -f repaint
        end
        __redtab_execute $argv
    else
        __redtab_under
        builtin commandline -f repaint
    end
end

# Prints as many newlines as there are rows of the prompt and of the line above the cursor: fish draws both again from
# so far up, whatever was printed since.
function __redtab_under
    set -l IFS \n
    set -l prompt (fish_mode_prompt 2>/dev/null; fish_prompt)
    set -l columns $COLUMNS
    builtin test "$columns" -gt 0 2>/dev/null; or set columns 80
    # Without its colours.
    set -l indent (builtin string replace -ra '\e(\[[^@-~]*[@-~]|[()].|\][^\a\e]*(\a|\e\\\\))' '' -- "$prompt[-1]" | builtin string length)
    set -l above (builtin count $prompt)
    for part in (builtin commandline -bc)
        # A row of its own, and one more wherever it is longer than the terminal is wide.
        set above (builtin math $above + 1 + "floor(($indent + "(builtin string length -- "$part")") / $columns)")
    end
    # The prompt's last row is the line's first one, and the cursor stands in the last.
    builtin test $above -gt 2; and builtin string repeat -N -n (builtin math $above - 2) \n
end

# Seconds since some moment, without a fork.
function __redtab_clock
    builtin test -r /proc/uptime; or return
    builtin read -lz up </proc/uptime
    builtin string match -r '^[0-9]+' -- $up
end

# An interrupted guard may have been about to refuse the line, unless it hung longer than it ever takes: then the same
# line runs when it is entered again.
function __redtab_hangs
    set -l now (__redtab_clock)
    builtin test -n "$now" -a -n "$__redtab_began" -a -n "$__redtab_pending"; or return
    builtin test (builtin math $now - $__redtab_began) -ge 2; and set -g __redtab_again $__redtab_pending
end

# Asks the guard: 0 when the line may run.
function __redtab_check
    set -l hot $argv[1]
    set -l line $argv[2]
    set -l IFS \n
    set -gu __redtab_input
    __redtab_field line $line
    builtin test (builtin string length -- $line) -le 20000
    and __redtab_define (builtin commandline -bo)
    if builtin test $hot = no
        __redtab_concerns $line $__redtab_input[2..-1]; or return 0
    end
    builtin test -n "$argv[3]" -a "x$argv[3]" = "x$line"; and return 0
    builtin test -n "$__redtab_shown"; and __redtab_field shown "$__redtab_shown"
    # How many lines of the command stand below the cursor: what is said comes below them all.
    set -l below (builtin commandline -b | builtin count)
    set below (builtin math max $below - (builtin commandline -L), 0)
    builtin test $below -gt 0; and __redtab_field below $below
    builtin string match -q '*$*' -- $__redtab_input; and __redtab_look_up (builtin string sub -l 20000 -- $__redtab_input)
    set -l answer
    set -l rc 127
    if builtin test -f $__redtab_bin -a -x $__redtab_bin
        # An interrupt of what does not care for it ends this very function: what stays is noted before, and what the guard
        # says as it comes.
        set -g __redtab_pending $line
        set -g __redtab_began (__redtab_clock)
        function __redtab_cut --on-signal INT
            builtin functions -e __redtab_cut
            __redtab_hangs
        end
        set -g __redtab_rc 130
        set answer (
            builtin printf %s $__redtab_input | @@REDTAB_BIN@@ guard --shell fish --pid $fish_pid --hot $hot --terminal "$__redtab_terminal" 2>/dev/null |
                while builtin read -l token
                    builtin test "$token" = stop; and set -g __redtab_pending
                    builtin echo $token
                end
            set -g __redtab_rc $pipestatus[2]
        )
        set rc $__redtab_rc
        builtin functions -e __redtab_cut
        builtin test $rc -eq 130; and __redtab_hangs
        set -g __redtab_pending
    end
    set -gu __redtab_input
    # Held, not refused: something changed, and the prompt that is drawn now shows it.
    builtin contains -- held $answer; and set -g __redtab_due 1
    builtin contains -- said $answer; and set -g __redtab_said 1
    if builtin contains -- stop $answer
        builtin test $rc -eq 0 -a "$answer[-1]" = yes
        return
    else if builtin test $rc -eq 0
        set -g __redtab_warned
        return 0
    else if builtin test $rc -eq 77
        return 1
    else if builtin test $rc -eq 130
        return 1
    else if builtin test $hot = no
        if builtin test -z "$__redtab_warned"
            builtin string repeat -N -n (builtin math $below + 1) \n >&2
            builtin printf 'redtab: the guard fails (status %s): lines run unchecked.  redtab status\n' $rc >&2
            set -g __redtab_warned 1
            set -g __redtab_said 1
        end
        return 0
    end
    builtin string repeat -N -n (builtin math $below + 1) \n >&2
    builtin printf 'redtab: the guard fails (status %s), and production is near. It was not run.\n' $rc >&2
    builtin printf '        The same line again runs unchecked.\n' >&2
    set -g __redtab_again $line
    return 1
end

# Another key that executes the line goes past the guard; fish lets nobody stop it here.
function __redtab_past --on-event fish_preexec
    if builtin test -n "$__redtab_hot" -a -z "$__redtab_passed" -a "$REDTAB" != off -a "$__redtab_can" = yes
        builtin printf 'redtab: this line did not come by Enter: the guard has not seen it.\n' >&2
    end
end

__redtab_take_enter

# Handlers run in the order in which they were defined.
function __redtab_register
    function __redtab_event --on-event fish_prompt
        __redtab_arrange
    end
end
__redtab_register

end
