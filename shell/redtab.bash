# shellcheck shell=bash
# redtab's hook for bash. It does four things and holds no policy: notice that an input changed, call the binary,
# show what it said, hold back a line that it refuses (docs/protocol.md). All of its state is in arrays: bash exports
# scalars under `set -a`, arrays never. They are written element by element: a Ctrl-C while bash takes a list in
# parentheses apart leaves its parser there, and it ends, or runs what it finds (5.2). Only what runs in a child, where
# an interrupt is caught, writes lists. Aliases are off while this text is read, and only while it is read.
\builtin shopt -q expand_aliases && __redtab_aliases[0]=1
\builtin shopt -u expand_aliases

if [[ $- == *i* ]]; then

__redtab_bin[0]=@@REDTAB_BIN@@
__redtab_live[0]=        # the last answer holds
__redtab_always[0]=      # ask at every prompt
__redtab_ps1[0]=         # the segment, with its colours, as PS1 shows it
__redtab_text[0]=        # the segment, plain: for other people's prompts
__redtab_say[0]=         # one line for the person
__redtab_inherited[0]=   # REDTAB=off was there before this shell
__redtab_asking[0]=      # a question is under way; still set at the next prompt, it was interrupted
__redtab_strikes[0]=0    # how many prompts to leave it alone after an interrupted question
__redtab_skip[0]=0       # how many of them are left
__redtab_hot[0]=         # every line goes to the guard
__redtab_ask[0]=         # lines that go there though the tab is clear
__redtab_names[0]=       # words that do the same, in one text
__redtab_can[0]=no       # yes, or why no line can be held back
__redtab_told[0]=        # which of them the binary was told when it was asked last
__redtab_e[0]=           # PS0 expands nothing behind an unset name
__redtab_b[0]=0          # what became of the line: 8 when history is to forget it, and the number __redtab_judge returns
__redtab_c[0]=0          # lines since the prompt
# What drops the line.
__redtab_stop[2]=1 __redtab_stop[3]=1 __redtab_stop[6]=1 __redtab_stop[10]=1 __redtab_stop[11]=1 __redtab_stop[14]=1
__redtab_again[0]=       # a line that runs unchecked if it comes again right away
__redtab_warned[0]=      # a broken guard was named
__redtab_paint[0]=       # what is printed to the terminal at every prompt
__redtab_restore[0]=${__redtab_restore[0]-} # what is printed when this shell ends
__redtab_marked[0]=${__redtab_marked[0]-} # a pane of tmux carries marks, which go when this shell ends
__redtab_tty[0]=         # the terminal could be written to: no complaint is to be silenced
__redtab_title[0]=       # what stands in front of the user's own title
__redtab_terminal[0]=    # which terminal the binary found
__redtab_j[0]='\j'       # how many jobs there are, as a prompt says it
__redtab_memory[0]=      # a file in memory, never on disk, through which a line can be read without a fork
__redtab_shown[0]=       # what the prompt said, for the guard: nothing where it said nothing
__redtab_now[0]=         # what the inputs are, as the answer's functions see them
__redtab_trap[0]=        # what `trap -p INT` says, and rubbish behind it
__redtab_aliased[0]=${__redtab_aliased[0]-} # the user's aliases are off for a moment
__redtab_settled[0]=     # the shell's settings when everything of ours was in its place
# Whether `local -` is known, which keeps the user's options out of a function and ours inside it.
__redtab_new[0]=$((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404))
# What was the user's, kept when this text is read again: HISTIGNORE, his trap of SIGINT, the keys of the editor.
__redtab_ignore[0]=${__redtab_ignore[0]-}
__redtab_int[0]=${__redtab_int[0]-}
__redtab_keys[0]=${__redtab_keys[0]-} __redtab_keys[1]=${__redtab_keys[1]-} __redtab_keys[2]=${__redtab_keys[2]-}
__redtab_keys[3]=${__redtab_keys[3]-} # all of them were taken
# The segment as it stands in PS1 itself, where PS1 expands no variables; kept when this text is read again.
__redtab_literal[0]=${__redtab_literal[0]-}
if [[ ${REDTAB-} == off ]]; then __redtab_inherited[0]=1; fi

# Shows a constant of ours: no answer of the binary is at hand.
__redtab_plain() {
  __redtab_text[0]=$1
  if [[ -n ${NO_COLOR-} || ${TERM-} == dumb ]]; then
    __redtab_ps1[0]="[$1] "
  else
    __redtab_ps1[0]=$'\001\e[30;43m\002 '"$1"$' \001\e[0m\002 '
  fi
}

# Asks the binary. Whatever goes wrong, the old answer is gone: unknown is never shown as safe. A binary that hangs
# until Ctrl-C must not be met again at the very next prompt, nor at the one after: the shell stays usable.
__redtab_ask() {
  local -a __redtab_reply __redtab_jobs
  __redtab_reply[0]='' __redtab_jobs[0]=no
  __redtab_live[0]='' __redtab_always[0]='' __redtab_say[0]='' __redtab_shown[0]='' __redtab_paint[0]='' __redtab_title[0]=''
  __redtab_plain 'redtab ?'
  __redtab_draw
  if [[ -n ${__redtab_asking[0]-} ]]; then
    __redtab_asking[0]=
    if ((__redtab_strikes[0] < 32)); then __redtab_strikes[0]=$((__redtab_strikes[0] * 2 + 1)); fi
    __redtab_skip[0]=${__redtab_strikes[0]}
    return 0
  fi
  if ((__redtab_skip[0] > 0)); then
    __redtab_skip[0]=$((__redtab_skip[0] - 1))
    return 0
  fi
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) && [[ ${__redtab_j[0]@P} != 0 ]]; then __redtab_jobs[0]=yes; fi
  __redtab_told[0]=${__redtab_can[0]}
  __redtab_asking[0]=1
  { __redtab_reply[0]=$(\builtin exec "${__redtab_bin[0]}" hook prompt --shell bash --shell-version "$BASH_VERSION" \
      --pid "$$" --can-block "${__redtab_can[0]}" --terminal "${__redtab_terminal[0]-}" --jobs "${__redtab_jobs[0]}" \
      </dev/null); } 2>/dev/null || __redtab_reply[0]=
  __redtab_asking[0]='' __redtab_strikes[0]=0
  case ${__redtab_reply[0]-} in
    'redtab 1'$'\n'*$'\n''redtab end')
      __redtab_reply[0]=${__redtab_reply[0]#*$'\n'}
      # The reply defines functions: an alias called [[ or return must not get into them.
      if \builtin shopt -q expand_aliases; then
        __redtab_aliased[0]=1
        \builtin shopt -u expand_aliases
        \builtin eval "${__redtab_reply[0]%$'\n'*}"
        \builtin shopt -s expand_aliases
        __redtab_aliased[0]=
      else
        \builtin eval "${__redtab_reply[0]%$'\n'*}"
      fi
      if __redtab_look; then
        __redtab_seen[0]=${__redtab_now[0]}
        __redtab_live[0]=1
      fi ;;
  esac
  if [[ -n ${__redtab_say[0]-} ]]; then
    \builtin printf '%s\n' "${__redtab_say[0]}" >&2
  fi
  __redtab_stay
}

# Writes to the terminal, wherever stdout goes.
__redtab_tell() {
  if [[ -n $1 ]]; then { \builtin printf %s "$1" >/dev/tty; } 2>/dev/null && __redtab_tty[0]=1; fi
  return 0
}

# Sees to it that the terminal is put back when the shell ends, before what the user has it do then.
__redtab_stay() {
  local -a __redtab_t
  __redtab_t[0]=$(\builtin trap -p EXIT)
  \builtin set --
  case ${__redtab_t[0]} in
    *__redtab_leave*) return 0 ;;
    'trap -- '*) \builtin eval "\\builtin set ${__redtab_t[0]#trap }" ;; # bash's own quoting
  esac
  \builtin trap -- "__redtab_leave${1:+$'\n'$1}" EXIT
}

# Puts back what shows this tab's verdict outside of the prompt.
__redtab_put_back() {
  __redtab_tell "${__redtab_restore[0]-}"
  if [[ -n ${__redtab_marked[0]-} && -x ${__redtab_bin[0]} ]]; then
    "${__redtab_bin[0]}" hook exit </dev/null >/dev/null 2>&1 || :
  fi
  __redtab_marked[0]=
}

# The shell ends; what follows it in the trap sees the status as it was.
__redtab_leave() {
  \builtin set -- "$?"
  # The line that ends the shell sees no prompt any more.
  if ((__redtab_c[0] > 0)); then __redtab_first; fi
  __redtab_put_back
  return "$1"
}

# Puts our text in front of the titles that the user's own PS1 sets: they are written after ours.
__redtab_entitle() {
  # shellcheck disable=SC2016
  PS1=${PS1//';${__redtab_title-}'/;}
  \builtin set -- '\e]0;' '\e]2;' '\033]0;' '\033]2;' $'\e]0;' $'\e]2;'
  while (($#)); do
    # shellcheck disable=SC2016 # PS1 expands it at every prompt
    PS1=${PS1//"$1"/"$1"'${__redtab_title-}'}
    \builtin shift
  done
}

# Puts the segment into the user's own prompt, after the newlines that it may begin with.
__redtab_prefix() {
  local -a __redtab_p
  __redtab_p[0]=$PS1 __redtab_p[1]=
  while :; do
    case ${__redtab_p[0]} in
      '\n'*)   __redtab_p[1]+='\n';  __redtab_p[0]=${__redtab_p[0]#'\n'} ;;
      $'\n'*)  __redtab_p[1]+=$'\n'; __redtab_p[0]=${__redtab_p[0]#$'\n'} ;;
      *)       break ;;
    esac
  done
  PS1=${__redtab_p[1]}$1${__redtab_p[0]}
}

# Whether PS1 or PROMPT_COMMAND can't be changed. Before 4.4 no shell can tell.
__redtab_readonly() {
  ((__redtab_new[0])) || return 1
  case $1 in
    PS1) [[ ${PS1@a} == *r* ]] ;;
    *)   [[ ${PROMPT_COMMAND[*]@a} == *r* ]] ;;
  esac
}

__redtab_draw() {
  if __redtab_readonly PS1; then return 0; fi
  # In posix mode PS1 is expanded whatever promptvars says.
  if \builtin shopt -q promptvars || \builtin shopt -qo posix; then
    if [[ -n ${__redtab_literal[0]-} ]]; then
      PS1=${PS1/"${__redtab_literal[0]}"/}
      __redtab_literal[0]=
    fi
    # shellcheck disable=SC2016 # PS1 expands it at every prompt
    case $PS1 in
      *'${__redtab_ps1-}'*) ;;
      # Another prompt keeps a place for it.
      *'<redtab>'*) PS1=${PS1/'<redtab>'/'${__redtab_ps1-}'} ;;
      *) __redtab_prefix '${__redtab_ps1-}' ;;
    esac
    # A terminal's own integration may add one that we have not seen.
    # shellcheck disable=SC2016
    case ${PS1//';${__redtab_title-}'/} in
      *']0;'* | *']2;'*) __redtab_entitle ;;
    esac
  else
    # shellcheck disable=SC2016
    PS1=${PS1/'${__redtab_ps1-}'/}
    PS1=${PS1/'<redtab>'/}
    if [[ -n ${__redtab_literal[0]-} ]]; then PS1=${PS1/"${__redtab_literal[0]}"/}; fi
    # Foreign text in PS1 itself must be harmless even where it is expanded: an exported PS1 reaches other shells.
    __redtab_literal[0]=${__redtab_ps1[0]//[\$\`]/?}
    __redtab_literal[0]=${__redtab_literal[0]//\\/\\\\}
    if [[ -n ${__redtab_literal[0]} ]]; then __redtab_prefix "${__redtab_literal[0]}"; fi
  fi
}

# shellcheck disable=SC2178 # PROMPT_COMMAND is an array from bash 5.1 on, a string before
# Keeps our places. The last of all, so that what direnv and mise export at this prompt is seen at this prompt; only
# bash-preexec's own last piece stays behind us, for it arms itself there. And the first, before anything writes the
# history to its file.
__redtab_arrange() {
  local -a __redtab_all __redtab_w
  __redtab_w[0]=0 __redtab_w[1]= # how many of ours stand in front, what stands behind us, an entry
  if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] >= 1))); then
    # bash-preexec looks for its installer in the first element, once: until then that element is not ours. Later
    # versions put themselves back in front at every prompt: they call us before the user's own hooks.
    # shellcheck disable=SC2016 # its text, as bash-preexec writes it
    case ${PROMPT_COMMAND[0]-} in
      '__bp_precmd_invoke_cmd "$_"'*)
        __redtab_w[0]=1 __redtab_all[0]=__redtab_first
        if \builtin declare -F __bp_install_prompt_command >/dev/null; then
          __redtab_w[0]=2 __redtab_all[0]='__bp_precmd_invoke_cmd "$_"' __redtab_all[1]=__redtab_first
          if [[ ${precmd_functions[0]-} != __redtab_first ]]; then __redtab_lead "${precmd_functions[@]}"; fi
        fi ;;
      *__bp_install*) ;;
      *) __redtab_w[0]=1 __redtab_all[0]=__redtab_first ;;
    esac
    if [[ ${__redtab_w[0]} == 0 || ${PROMPT_COMMAND[*]:0:1} == "${__redtab_all[0]}" && ${PROMPT_COMMAND[*]:__redtab_w[0] - 1:1} == __redtab_first ]]; then
      case ${PROMPT_COMMAND[*]: -1} in
        __redtab_prompt) return 0 ;;
        __bp_interactive_mode)
          if [[ ${PROMPT_COMMAND[*]: -2:1} == __redtab_prompt ]]; then return 0; fi ;;
      esac
    fi
    if __redtab_readonly PROMPT_COMMAND; then return 0; fi
    \builtin set -- "${PROMPT_COMMAND[@]}"
    # What stood in front stands there already; what was joined to it, alone again.
    if [[ ${__redtab_all[0]-} == __bp_* ]]; then
      __redtab_w[2]=${1#"${__redtab_all[0]}"}
      \builtin set -- "${__redtab_w[2]#$'\n'}" "${@:2}"
    fi
    while (($#)); do
      case $1 in
        '' | __redtab_first | __redtab_prompt | __redtab_none) ;;
        __bp_interactive_mode) __redtab_w[1]=$1 ;;
        # Another tool joined our entry to its own: it keeps its place, and we take ours.
        *)
          __redtab_w[2]=${1//__redtab_prompt/__redtab_none}
          __redtab_all[__redtab_w[0]]=${__redtab_w[2]//__redtab_first/__redtab_none}
          __redtab_w[0]=$((__redtab_w[0] + 1)) ;;
      esac
      \builtin shift
    done
    __redtab_fill PROMPT_COMMAND "${__redtab_all[@]}" __redtab_prompt ${__redtab_w[1]:+"${__redtab_w[1]}"}
  else
    case ${PROMPT_COMMAND-} in
      $'__redtab_first\n'*__redtab_prompt) return 0 ;;
      $'__redtab_first\n'*$'__redtab_prompt\n__bp_interactive_mode') return 0 ;;
    esac
    if __redtab_readonly PROMPT_COMMAND; then return 0; fi
    __redtab_w[2]=${PROMPT_COMMAND-}
    __redtab_w[2]=${__redtab_w[2]#$'__redtab_first\n'}
    __redtab_w[2]=${__redtab_w[2]//__redtab_prompt/__redtab_none}
    __redtab_w[2]=${__redtab_w[2]//__redtab_first/__redtab_none}
    case ${__redtab_w[2]} in
      *__bp_interactive_mode)
        PROMPT_COMMAND=$'__redtab_first\n'${__redtab_w[2]%__bp_interactive_mode}$'__redtab_prompt\n__bp_interactive_mode' ;;
      *) PROMPT_COMMAND=$'__redtab_first\n'${__redtab_w[2]:+${__redtab_w[2]}$'\n'}__redtab_prompt ;;
    esac
  fi
}

# Puts __redtab_first in front of bash-preexec's functions, which are the arguments.
__redtab_lead() {
  local -a __redtab_i
  for ((__redtab_i[0] = $#; __redtab_i[0] > 0; __redtab_i[0]--)); do
    if [[ $1 == __redtab_first ]]; then \builtin shift; else \builtin set -- "${@:2}" "$1"; fi
  done
  __redtab_fill precmd_functions __redtab_first "$@"
}

# Has the array that $1 names hold the other arguments. All of them are written by one command: an interrupt comes
# before it or after it, and loses none of them.
__redtab_fill() {
  local -a __redtab_f __redtab_i
  __redtab_f[0]=$1 __redtab_f[1]='' __redtab_f[3]='' __redtab_i[0]=0
  for ((; $# > 1; __redtab_i[0]++)); do
    \builtin printf -v '__redtab_f[2]' '%s[%d]=%q ' "${__redtab_f[0]}" "${__redtab_i[0]}" "$2"
    __redtab_f[1]+=${__redtab_f[2]}
    \builtin set -- "$1" "${@:3}"
  done
  # What the array had more of, or further on: empty at once, then gone. An empty last one has it written again.
  \builtin eval "\\builtin set -- \"\${!${__redtab_f[0]}[@]}\""
  while (($#)); do
    if (($1 >= __redtab_i[0])); then
      __redtab_f[1]+="${__redtab_f[0]}[$1]= "
      __redtab_f[3]+="\\builtin unset -v '${__redtab_f[0]}[$1]'; "
    fi
    \builtin shift
  done
  \builtin eval "${__redtab_f[1]}"
  \builtin eval "${__redtab_f[3]}"
}

# Stands where our name stood inside another tool's entry; keeps the exit status.
__redtab_none() { return "$?"; }

# Whether the user's own settings keep this line out of his history.
__redtab_forgets() {
  ((__redtab_new[0])) && local - && \builtin set -f
  local IFS=:
  if [[ :${HISTCONTROL-}: == *:redtab-ignorespace:* && $1 == ' '* ]]; then return 0; fi
  # shellcheck disable=SC2086 # patterns between colons
  \builtin set -- "$1" ${__redtab_ignore[0]}
  while (($# > 1)); do
    # shellcheck disable=SC2053 # a pattern
    if [[ $1 == $2 ]]; then return 0; fi
    \builtin set -- "$1" "${@:3}"
  done
  return 1
}

# Prints the line that was entered last, behind a mark that keeps its blanks. Each line of a command is an entry of its
# own without cmdhist: then all that was entered since the prompt.
__redtab_entered() {
  local HISTTIMEFORMAT=
  if \builtin shopt -q cmdhist; then
    \builtin history 1
  else
    \builtin history "$((HISTCMD - __redtab_h[0] > 0 ? HISTCMD - __redtab_h[0] : 1))"
  fi
}

# Keeps the line that was entered last: it runs if it comes again.
__redtab_remember() {
  __redtab_again[0]="$(__redtab_entered)"
  # shellcheck disable=SC2180 # a pattern: the mark of a changed line, or a blank
  __redtab_again[0]=${__redtab_again[0]#*[0-9][* ] }
}

# The first of the prompt's commands: takes out of the history what the user wants kept out of it, before anything
# writes the history to a file. He would have had it kept out from the start, but the guard reads lines there.
__redtab_first() {
  # No line was entered: the status stays what it was.
  case ${__redtab_b[0]}:${__redtab_c[0]}:$- in
    0:0:*e*) return 0 ;;
    0:0:*) return ;;
    *) __redtab_rc[0]=$? __redtab_rc[1]=$- ;;
  esac
  ((__redtab_new[0])) && local - && \builtin set +aefkuvxET
  local IFS=$' \t\n'
  local -a __redtab_l
  case $((__redtab_b[0] & 7)) in
    3) __redtab_remember ;;
    0) ;;
    *) __redtab_again[0]= ;;
  esac
  case $((__redtab_b[0] & 7)) in
    4) __redtab_warned[0]=1 ;;
    5) __redtab_warned[0]= ;;
  esac
  if ((__redtab_c[0] > 0)) && [[ ${HISTCONTROL-} == *redtab-* || -n ${__redtab_ignore[0]-} ]]; then
    # From the oldest line on: the places of the others, counted from the end, stay what they are. `fc` would name them
    # one by one, but takes the last one for itself.
    for ((; __redtab_c[0] > 0; __redtab_c[0]--)); do
      __redtab_l[0]=$(HISTTIMEFORMAT='' \builtin history "${__redtab_c[0]}")
      # Number, mark, text; then the next number.
      if [[ ${__redtab_l[0]} =~ ^\ *([0-9]+)[*\ ]\  ]]; then
        __redtab_l[1]=${BASH_REMATCH[1]}
        __redtab_l[0]=${__redtab_l[0]:${#BASH_REMATCH[0]}}
        \builtin printf -v '__redtab_l[2]' '%5d' "$((__redtab_l[1] + 1))"
        # shellcheck disable=SC2180 # a pattern: the mark of a changed line, or a blank
        if __redtab_forgets "${__redtab_l[0]%%$'\n'"${__redtab_l[2]}"[* ] *}"; then
          \builtin history -d "${__redtab_l[1]}" 2>/dev/null
        fi
      fi
    done
  fi
  __redtab_b[0]=0 __redtab_c[0]=0
  # Under `set -e` a status of ours would end the shell. bash itself keeps `$?` for the next line.
  if [[ ${__redtab_rc[1]} == *e* ]]; then return 0; fi
  return "${__redtab_rc[0]}"
}

# Whether this shell can hold a line back.
__redtab_able() {
  __redtab_can[0]=yes
  if ! ((__redtab_new[0])); then
    __redtab_can[0]='this bash is older than 4.4'
  elif [[ -n ${BLE_ATTACHED-} ]]; then
    __redtab_can[0]='ble.sh runs the lines' # it catches the interrupt that drops one, and runs it
  elif [[ ! -o history || ${HISTSIZE-} == 0 ]]; then
    __redtab_can[0]='history is off'
  elif ! \builtin shopt -q promptvars && ! \builtin shopt -qo posix; then
    __redtab_can[0]='promptvars is off'
  elif [[ ${PS0+set}${PS0@a} == *r* || ${HISTCONTROL@a} == *r* || ${HISTIGNORE@a} == *r* ]]; then
    __redtab_can[0]='PS0, HISTCONTROL or HISTIGNORE is readonly'
  fi
}

# Takes what stands between the guard and a line, or gives it back.
__redtab_arm() {
  local -a __redtab_p
  # The arithmetic is worked out by the shell itself, so it can keep the number; the child sees functions, aliases and
  # the history. Whatever a child prints in there is evaluated: ours prints a number of this file. The leading 0 stands
  # for all of it when the child is interrupted.
  # shellcheck disable=SC2016 # PS0 expands it
  __redtab_p[0]='${__redtab_e:$((__redtab_c[0]+=1,0)):0}${__redtab_e:$((__redtab_b[0]=0$(__redtab_pre),0)):0}${__redtab_stop[__redtab_b]+$(__redtab_throw)}'
  if [[ ${__redtab_can[0]} != yes || ${REDTAB-} == off || -z ${__redtab_ask[0]-} ]]; then
    if [[ ${PS0-} == *"${__redtab_p[0]}"* ]]; then PS0=${PS0//"${__redtab_p[0]}"/}; fi
    if [[ ${HISTCONTROL-} == *redtab-* ]]; then HISTCONTROL=${HISTCONTROL//redtab-/}; fi
    if [[ -n ${__redtab_ignore[0]} ]]; then HISTIGNORE=${__redtab_ignore[0]} __redtab_ignore[0]=; fi
    if [[ -n ${__redtab_int[0]} ]]; then
      \builtin eval "${__redtab_int[0]}"
      __redtab_int[0]=
    fi
    __redtab_editor give
    return 0
  fi
  case ${PS0-} in
    "${__redtab_p[0]}"*) ;;
    *) PS0=${__redtab_p[0]}${PS0//"${__redtab_p[0]}"/} ;;
  esac
  # `history 1` must be this line. What is to be forgotten, __redtab_first takes out again.
  case :${HISTCONTROL-}: in
    *:ignorespace:* | *:ignoreboth:*)
      __redtab_p[1]=:${HISTCONTROL}:
      __redtab_p[1]=${__redtab_p[1]//:ignoreboth:/:ignoredups:redtab-ignorespace:}
      __redtab_p[1]=${__redtab_p[1]//:ignorespace:/:redtab-ignorespace:}
      __redtab_p[1]=${__redtab_p[1]#:}
      HISTCONTROL=${__redtab_p[1]%:} ;;
  esac
  if [[ -n ${HISTIGNORE-} ]]; then
    if [[ :$HISTIGNORE: == *:'&':* && ${HISTCONTROL-} != *ignoredups* ]]; then
      HISTCONTROL=${HISTCONTROL:+$HISTCONTROL:}ignoredups
    fi
    __redtab_ignore[0]=$HISTIGNORE
    HISTIGNORE=
  elif [[ -z ${HISTIGNORE+set} ]]; then
    __redtab_ignore[0]=
  fi
  __redtab_h[0]=$HISTCMD
  # A trap of SIGINT would let a dropped line run. Further on stands what an older list left behind.
  case ${__redtab_trap[0]-} in
    $'\n''trap -- '*)
      __redtab_int[0]="${__redtab_trap[0]%%$' SIGINT\n'*} SIGINT"
      \builtin trap - INT ;;
  esac
  if [[ -n ${__redtab_hot[0]-} ]]; then __redtab_editor take; else __redtab_editor give; fi
}

# Runs what an editor wrote past PS0: its keys are taken while the tab is hot. $1 is take or give.
__redtab_editor() {
  local -a __redtab_m __redtab_f __redtab_i __redtab_t
  __redtab_m[0]=emacs __redtab_m[1]=vi-insert __redtab_m[2]=vi-command
  __redtab_f[0]=edit-and-execute-command __redtab_f[1]=edit-and-execute-command __redtab_f[2]=vi-edit-and-execute-command
  if [[ $1 == take && -z ${__redtab_keys[3]} ]]; then
    for ((__redtab_i[0] = 0; __redtab_i[0] < 3; __redtab_i[0]++)); do
      __redtab_t[0]=$(\builtin bind -m "${__redtab_m[${__redtab_i[0]}]}" -q "${__redtab_f[${__redtab_i[0]}]}" 2>/dev/null)
      __redtab_keys[__redtab_i[0]]=${__redtab_keys[${__redtab_i[0]}]:--}
      while [[ ${__redtab_t[0]} == *\"*\"* ]]; do
        __redtab_t[0]=${__redtab_t[0]#*\"}
        __redtab_keys[__redtab_i[0]]+=" ${__redtab_t[0]%%\"*}"
        \builtin bind -m "${__redtab_m[${__redtab_i[0]}]}" -r "${__redtab_t[0]%%\"*}" 2>/dev/null
        __redtab_t[0]=${__redtab_t[0]#*\"}
      done
    done
    __redtab_keys[3]=1
  elif [[ $1 == give && -n ${__redtab_keys[0]} ]]; then
    for ((__redtab_i[0] = 0; __redtab_i[0] < 3; __redtab_i[0]++)); do
      # shellcheck disable=SC2086 # words without blanks
      \builtin set -- ${__redtab_keys[${__redtab_i[0]}]#-}
      while (($#)); do
        \builtin bind -m "${__redtab_m[${__redtab_i[0]}]}" "\"$1\": ${__redtab_f[${__redtab_i[0]}]}" 2>/dev/null
        \builtin shift
      done
    done
    __redtab_keys[0]='' __redtab_keys[1]='' __redtab_keys[2]='' __redtab_keys[3]=''
  fi
}

# What PS0 expands, in a child: prints the number of __redtab_judge's answer, 010 (octal) more when the line is to be
# forgotten, and nothing else.
__redtab_pre() {
  \builtin set +aefkuvxET +o pipefail +o posix 2>/dev/null
  \builtin shopt -u nocasematch
  # An interrupt ends the guard, not this child before it has told what the guard said.
  local __redtab_cut=''
  \builtin trap '__redtab_cut=1' INT
  local IFS=$' \t\n'
  local -a __redtab_line=('')
  local __redtab_forget=0 __redtab_number __redtab_began=${SECONDS-0}
  if [[ -n ${__redtab_memory[0]-} ]]; then
    {
      __redtab_entered >|"${__redtab_memory[0]}" && \builtin mapfile -t -d '' __redtab_line <"${__redtab_memory[0]}"
      \builtin : >|"${__redtab_memory[0]}"
    } 2>/dev/null
  fi
  if [[ -z ${__redtab_line[0]} ]]; then __redtab_line=$(__redtab_entered); fi
  while [[ $__redtab_line == *$'\n' ]]; do __redtab_line=${__redtab_line%$'\n'}; done
  __redtab_line=${__redtab_line#*[0-9][* ] }
  if __redtab_forgets "$__redtab_line"; then __redtab_forget=1; fi
  # The second line since our last prompt, and nobody would call us at the next one either.
  if ((__redtab_c[0] == 2)) && [[ ${PROMPT_COMMAND[*]} != *__redtab_prompt* ]] && ! __redtab_readonly PROMPT_COMMAND; then
    # shellcheck disable=SC2016 # to be pasted
    \builtin echo 'redtab: PROMPT_COMMAND was replaced: the prompt is old.  eval "$(redtab init bash)"' >&2
  fi
  __redtab_judge >/dev/null
  __redtab_number=$?
  # It came before the guard had said anything: not even then does the line run.
  case $__redtab_cut:$__redtab_number in 1:[145]) __redtab_number=2 ;; esac
  case $__redtab_number in
    1) \builtin echo "${__redtab_forget}1" ;;
    2) \builtin echo "${__redtab_forget}2" ;;
    3) \builtin echo "${__redtab_forget}3" ;;
    4) \builtin echo "${__redtab_forget}4" ;;
    5) \builtin echo "${__redtab_forget}5" ;;
    *) \builtin echo "${__redtab_forget}6" ;;
  esac
}

# Drops the line: nothing of it runs, whatever it is made of.
__redtab_throw() { \builtin kill -INT "$$"; }

# Prints a field, as the guard reads it, of the kind $1 with the text $2 and perhaps the name $3.
__redtab_field() {
  local LC_ALL=C # lengths are bytes
  __redtab_input+="$1 ${#2}${3:+ $3}"$'\n'"$2"$'\n'
}

# Adds to $__redtab_input what the words of the text $1 stand for, and the words of that; to $__redtab_bodies, those texts.
__redtab_define() {
  local __redtab_known=' ' __redtab_word __redtab_body __redtab_left=("$1")
  local IFS=$' \t\n;&|()<>{}`$"\'='
  \builtin set -f
  while ((${#__redtab_left[@]} && ${#__redtab_known} < 2000)); do
    for __redtab_word in ${__redtab_left[0]:0:20000}; do
      if [[ ! $__redtab_word =~ ^[A-Za-z0-9_.:+,@%/~^!-]+$ || $__redtab_known == *" $__redtab_word "* ]]; then continue; fi
      if [[ -n ${BASH_ALIASES[$__redtab_word]-} ]]; then
        __redtab_body=${BASH_ALIASES[$__redtab_word]}
        __redtab_field alias "$__redtab_body" "$__redtab_word"
        __redtab_left+=("$__redtab_body") __redtab_bodies+=$'\n'$__redtab_body
        __redtab_known+="$__redtab_word "
      fi
      if \builtin declare -F -- "$__redtab_word" >/dev/null 2>&1; then
        __redtab_body=$(\builtin declare -f -- "$__redtab_word")
        __redtab_body=${__redtab_body#*$'\n'}
        __redtab_field function "$__redtab_body" "$__redtab_word"
        __redtab_left+=("$__redtab_body") __redtab_bodies+=$'\n'$__redtab_body
        __redtab_known+="$__redtab_word "
      fi
    done
    __redtab_left=("${__redtab_left[@]:1}")
  done
}

# Adds to $__redtab_input what this shell has in the variables that the text $1 names.
__redtab_look_up() {
  local IFS='$'
  local -a __redtab_parts=() __redtab_words=()
  local __redtab_known=' ' __redtab_name __redtab_all
  \builtin set -f
  # shellcheck disable=SC2206 # cut at each dollar
  __redtab_parts=(x${1:0:20000})
  for __redtab_name in "${__redtab_parts[@]:1}"; do
    __redtab_name=${__redtab_name#\{}
    __redtab_name=${__redtab_name%%[!A-Za-z0-9_]*}
    case $__redtab_name in '' | [0-9]* | _ | __redtab* | IFS) continue ;; esac
    if [[ $__redtab_known == *" $__redtab_name "* ]]; then continue; fi
    __redtab_known+="$__redtab_name "
    if ((${#__redtab_input} > 200000)); then return 0; fi
    local -n __redtab_ref=$__redtab_name
    # What is huge names no file and no target; an array with holes is not what its places say.
    if ((${#__redtab_ref[@]} == 0 || ${#__redtab_ref[@]} > 64 || ${#__redtab_ref} > 4096)) || [[ -z ${__redtab_ref+set} ]]; then continue; fi
    __redtab_words=("${!__redtab_ref[@]}")
    if [[ ${__redtab_words[${#__redtab_words[@]} - 1]} != "$((${#__redtab_words[@]} - 1))" ]]; then continue; fi
    __redtab_words=("${__redtab_ref[@]}")
    __redtab_all="${__redtab_words[*]}"
    if ((${#__redtab_all} > 4096)) || [[ ${__redtab_words[0]} != "$__redtab_ref" ]]; then continue; fi
    while ((${#__redtab_words[@]})); do
      __redtab_field variable "${__redtab_words[0]}" "$__redtab_name"
      __redtab_words=("${__redtab_words[@]:1}")
    done
  done 2>/dev/null
}

# Whether the line, or what its words stand for, concerns the guard though the tab is clear: it looks like it, or an
# input changed since the prompt was drawn. Where it would take long to tell, it does.
__redtab_concerns() {
  local __redtab_word
  local IFS=$' \t\n'
  if ((${#__redtab_line} + ${#__redtab_bodies} > 20000)); then return 0; fi
  \builtin set -f
  __redtab_word="$__redtab_line $__redtab_bodies"
  for __redtab_word in ${__redtab_word//[!A-Za-z0-9_.-]/ }; do
    if [[ ${__redtab_names[0]-} == *" $__redtab_word "* ]]; then return 0; fi
  done
  if [[ $__redtab_line =~ ${__redtab_ask[0]} || $__redtab_bodies =~ ${__redtab_ask[0]} ]]; then return 0; fi
  [[ -n ${__redtab_live[0]-} ]] && ! __redtab_same
}

# Judges $__redtab_line. Returns 1: it runs. 2: refused. 3: refused, for the guard is broken or hung until an interrupt.
# 4: it runs, for the guard is broken. 5: the guard let it run. 6: the rest of a paste, refused. What the guard's answers
# mean stands in docs/protocol.md.
__redtab_judge() {
  local __redtab_input='' __redtab_bodies='' __redtab_answer='' __redtab_status=127 __redtab_tab=no
  if [[ ${REDTAB-} == off ]]; then return 1; fi
  # The lines of a paste come without a prompt in between, and a prompt would have cleared this number.
  case $((__redtab_b[0] & 7)):"${PROMPT_COMMAND[*]}" in
    [23]:*__redtab_first*)
      \builtin echo 'redtab: the rest of the paste was not run.' >&2
      return 6 ;;
    6:*__redtab_first*) return 6 ;;
  esac
  if [[ -n ${__redtab_hot[0]-} ]]; then __redtab_tab=yes; fi
  __redtab_field line "$__redtab_line"
  if [[ -n ${__redtab_shown[0]-} ]]; then __redtab_field shown "${__redtab_shown[0]}"; fi
  __redtab_define "$__redtab_line"
  if [[ $__redtab_tab == no ]]; then
    if ! __redtab_concerns; then return 1; fi
  fi
  if [[ -n ${__redtab_again[0]-} && ${__redtab_again[0]} == "$__redtab_line" ]]; then return 1; fi
  if [[ "$__redtab_line$__redtab_bodies" == *\$* ]]; then __redtab_look_up "$__redtab_line$__redtab_bodies"; fi
  if [[ -f ${__redtab_bin[0]} && -x ${__redtab_bin[0]} ]]; then
    __redtab_answer=$({ \builtin trap '' INT; \builtin printf %s "$__redtab_input"; } 2>/dev/null |
      "${__redtab_bin[0]}" guard --shell bash --pid "$$" --hot "$__redtab_tab" --terminal "${__redtab_terminal[0]-}" 2>/dev/null)
    __redtab_status=$?
  fi
  if [[ $'\n'$__redtab_answer$'\n' == *$'\nstop\n'* ]]; then
    if [[ $__redtab_status == 0 && $__redtab_answer == *$'\nyes' ]]; then return 5; fi
    return 2
  elif [[ $__redtab_status == 0 ]]; then
    return 5
  elif [[ $__redtab_status == 77 ]]; then
    return 2
  elif [[ $__redtab_status == 130 ]]; then
    # It may have been about to refuse the line, unless it hung longer than it ever takes.
    if ((SECONDS - __redtab_began < 2)); then return 2; fi
    \builtin echo 'redtab: the guard hangs. The same line again runs unchecked.' >&2
    return 3
  elif [[ $__redtab_tab == no ]]; then
    if [[ -z ${__redtab_warned[0]-} ]]; then
      \builtin echo "redtab: the guard fails (status $__redtab_status): lines run unchecked.  redtab status" >&2
    fi
    return 4
  fi
  \builtin echo "redtab: the guard fails (status $__redtab_status), and production is near. It was not run." >&2
  \builtin echo "        The same line again runs unchecked." >&2
  return 3
}

# Notes the settings that __redtab_able, __redtab_arm, __redtab_draw and __redtab_arrange have just gone by. A variable that
# becomes readonly with its value as it is needs no writing.
__redtab_settle() {
  __redtab_settled[0]="1//:$SHELLOPTS $BASHOPTS ${BLE_ATTACHED-} ${HISTSIZE-x} ${HISTCONTROL-} ${HISTIGNORE-x}/${PROMPT_COMMAND[*]}/${PS0-}/$PS1"
}

__redtab_prompt() {
  __redtab_rc[0]=$? __redtab_rc[1]=$- # no `local` before it: under `set -k` its argument would be no assignment
  # The user's options are his: ours hold inside this function only (bash 4.4 and later).
  case $- in
    *[aefkuvxET]*) ((__redtab_new[0])) && local - && \builtin set +aefkuvxET ;;
  esac
  local IFS=$' \t\n'
  __redtab_trap[0]=
  # Nearly always nothing has changed: then one comparison says so of all that is ours, and one of the inputs.
  if \builtin test "${__redtab_live[0]-}/${__redtab_always[0]-}/${REDTAB-}:$SHELLOPTS $BASHOPTS ${BLE_ATTACHED-} ${HISTSIZE-x} ${HISTCONTROL-} ${HISTIGNORE-x}/${PROMPT_COMMAND[*]}/${PS0-}/$PS1" = "${__redtab_settled[0]-}"; then
    if ! __redtab_same; then
      __redtab_live[0]=
    elif [[ ${__redtab_trap[0]-} != $'\n''trap -- '* ]]; then
      __redtab_h[0]=$HISTCMD
      if [[ -n ${__redtab_paint[0]-} ]]; then
        if [[ -n ${__redtab_tty[0]-} ]]; then \builtin printf %s "${__redtab_paint[0]}" >/dev/tty; else __redtab_tell "${__redtab_paint[0]}"; fi
      fi
      if [[ ${__redtab_rc[1]} == *e* ]]; then return 0; fi
      return "${__redtab_rc[0]}"
    fi
  fi
  # Until all is in its place again, which an interrupt may put off, no prompt takes the short way.
  __redtab_settled[0]=
  if [[ -n ${__redtab_aliased[0]} ]]; then
    \builtin shopt -s expand_aliases
    __redtab_aliased[0]=
  fi
  __redtab_able
  if [[ ${__redtab_can[0]} != "${__redtab_told[0]}" ]]; then __redtab_live[0]=; fi
  if [[ ${REDTAB-} == off ]]; then
    __redtab_put_back
    __redtab_live[0]='' __redtab_paint[0]='' __redtab_restore[0]='' __redtab_title[0]=''
    __redtab_plain "redtab off${__redtab_inherited[0]:+ (inherited)}"
  elif [[ -n ${__redtab_live[0]-} && -z ${__redtab_always[0]-} ]] && __redtab_same; then
    :
  else
    __redtab_inherited[0]=
    __redtab_ask
  fi
  if [[ -z ${__redtab_trap[0]} ]]; then __redtab_trap[0]=$'\n'$(\builtin trap -p INT)$'\n'; fi
  __redtab_arm
  __redtab_draw
  __redtab_tell "${__redtab_paint[0]-}"
  __redtab_arrange
  __redtab_settle
  if [[ ${__redtab_rc[1]} == *e* ]]; then return 0; fi
  return "${__redtab_rc[0]}"
}

\builtin export -nf __redtab_plain __redtab_ask __redtab_prefix __redtab_draw __redtab_arrange __redtab_lead __redtab_fill __redtab_none \
  __redtab_forgets __redtab_entered __redtab_remember __redtab_first __redtab_able __redtab_arm __redtab_editor __redtab_pre \
  __redtab_throw __redtab_field __redtab_define __redtab_look_up __redtab_concerns __redtab_judge __redtab_prompt __redtab_readonly __redtab_settle \
  __redtab_tell __redtab_stay __redtab_put_back __redtab_leave __redtab_entitle
__redtab_arrange
__redtab_plain 'redtab ?'
if __redtab_readonly PS1 || [[ ${PROMPT_COMMAND[*]-} != *__redtab_prompt* ]]; then
  \builtin printf '%s\n' 'redtab: PS1 or PROMPT_COMMAND is readonly: the prompt of this shell tells nothing' >&2
fi

fi

if [[ -n ${__redtab_aliases[0]-} ]]; then \builtin shopt -s expand_aliases; fi
\builtin unset -v __redtab_aliases
