# shellcheck shell=bash
# redtab's hook for bash. It does three things and holds no policy: notice that an input changed, call the binary,
# show what it said (docs/protocol.md). All of its state is in arrays: bash exports scalars under `set -a`, arrays
# never. Aliases are off while this text is read, and only while it is read.
\builtin shopt -q expand_aliases && __redtab_aliases=(1)
\builtin shopt -u expand_aliases

if [[ $- == *i* ]]; then

__redtab_bin=(@@REDTAB_BIN@@)
__redtab_live=()        # the last answer holds
__redtab_always=()      # ask at every prompt
__redtab_ps1=()         # the segment, with its colours, as PS1 shows it
__redtab_text=()        # the segment, plain: for other people's prompts
__redtab_say=()         # one line for the person
__redtab_inherited=()   # REDTAB=off was there before this shell
__redtab_asking=()      # a question is under way; still set at the next prompt, it was interrupted
__redtab_strikes=(0)    # how many prompts to leave it alone after an interrupted question
__redtab_skip=(0)       # how many of them are left
# The segment as it stands in PS1 itself, where PS1 expands no variables; kept when this text is read again.
__redtab_literal=("${__redtab_literal[0]-}")
if [[ ${REDTAB-} == off ]]; then __redtab_inherited=(1); fi

# Shows a constant of ours: no answer of the binary is at hand.
__redtab_plain() {
  __redtab_text=("$1")
  if [[ -n ${NO_COLOR-} || ${TERM-} == dumb ]]; then
    __redtab_ps1=("[$1] ")
  else
    __redtab_ps1=($'\001\e[30;43m\002 '"$1"$' \001\e[0m\002 ')
  fi
}

# Asks the binary. Whatever goes wrong, the old answer is gone: unknown is never shown as safe. A binary that hangs
# until Ctrl-C must not be met again at the very next prompt, nor at the one after: the shell stays usable.
__redtab_ask() {
  local -a __redtab_reply=()
  __redtab_live=() __redtab_always=() __redtab_say=()
  __redtab_plain 'redtab ?'
  __redtab_draw
  if [[ -n ${__redtab_asking[0]-} ]]; then
    __redtab_asking=()
    if ((__redtab_strikes[0] < 32)); then __redtab_strikes=("$((__redtab_strikes[0] * 2 + 1))"); fi
    __redtab_skip=("${__redtab_strikes[0]}")
    return 0
  fi
  if ((__redtab_skip[0] > 0)); then
    __redtab_skip=("$((__redtab_skip[0] - 1))")
    return 0
  fi
  __redtab_asking=(1)
  { __redtab_reply[0]=$(\builtin exec "${__redtab_bin[0]}" hook prompt --shell bash --shell-version "$BASH_VERSION" \
      --pid "$$" --can-block no </dev/null); } 2>/dev/null || __redtab_reply=()
  __redtab_asking=() __redtab_strikes=(0)
  case ${__redtab_reply[0]-} in
    'redtab 1'$'\n'*$'\n''redtab end')
      __redtab_reply[0]=${__redtab_reply[0]#*$'\n'}
      # The reply defines functions: an alias called [[ or return must not get into them.
      if \builtin shopt -q expand_aliases; then
        \builtin shopt -u expand_aliases
        \builtin eval "${__redtab_reply[0]%$'\n'*}"
        \builtin shopt -s expand_aliases
      else
        \builtin eval "${__redtab_reply[0]%$'\n'*}"
      fi
      if __redtab_look; then
        __redtab_seen=("${__redtab_now[@]}")
        __redtab_live=(1)
      fi ;;
  esac
  if [[ -n ${__redtab_say[0]-} ]]; then
    \builtin printf '%s\n' "${__redtab_say[0]}" >&2
  fi
}

# Puts the segment into the user's own prompt, after the newlines that it may begin with.
__redtab_prefix() {
  local -a __redtab_p=("$PS1" '' "$1")
  while :; do
    case ${__redtab_p[0]} in
      '\n'*)   __redtab_p[1]+='\n';  __redtab_p[0]=${__redtab_p[0]#'\n'} ;;
      $'\n'*)  __redtab_p[1]+=$'\n'; __redtab_p[0]=${__redtab_p[0]#$'\n'} ;;
      *)       break ;;
    esac
  done
  PS1=${__redtab_p[1]}${__redtab_p[2]}${__redtab_p[0]}
}

__redtab_draw() {
  # In posix mode PS1 is expanded whatever promptvars says.
  if \builtin shopt -q promptvars || \builtin shopt -qo posix; then
    if [[ -n ${__redtab_literal[0]-} ]]; then
      PS1=${PS1/"${__redtab_literal[0]}"/}
      __redtab_literal=()
    fi
    # shellcheck disable=SC2016 # PS1 expands it at every prompt
    case $PS1 in
      *'${__redtab_ps1-}'*) ;;
      *) __redtab_prefix '${__redtab_ps1-}' ;;
    esac
  else
    # shellcheck disable=SC2016
    PS1=${PS1/'${__redtab_ps1-}'/}
    if [[ -n ${__redtab_literal[0]-} ]]; then PS1=${PS1/"${__redtab_literal[0]}"/}; fi
    # Foreign text in PS1 itself must be harmless even where it is expanded: an exported PS1 reaches other shells.
    __redtab_literal=("${__redtab_ps1[0]//[\$\`]/?}")
    __redtab_literal=("${__redtab_literal[0]//\\/\\\\}")
    if [[ -n ${__redtab_literal[0]} ]]; then __redtab_prefix "${__redtab_literal[0]}"; fi
  fi
}

# shellcheck disable=SC2178 # PROMPT_COMMAND is an array from bash 5.1 on, a string before
# Keeps our place: last of all, so that what direnv and mise export at this prompt is seen at this prompt. Only
# bash-preexec's own last piece stays behind us, for it arms itself there.
__redtab_arrange() {
  local -a __redtab_all __redtab_tail __redtab_i __redtab_c __redtab_k
  __redtab_all=() __redtab_tail=() __redtab_c=()
  __redtab_i=("${!PROMPT_COMMAND[@]}")
  if ((BASH_VERSINFO[0] > 5 || (BASH_VERSINFO[0] == 5 && BASH_VERSINFO[1] >= 1))); then
    case ${PROMPT_COMMAND[*]: -1} in
      __redtab_prompt) return 0 ;;
      __bp_interactive_mode)
        if [[ ${PROMPT_COMMAND[*]: -2:1} == __redtab_prompt ]]; then return 0; fi ;;
    esac
    for ((__redtab_k[0] = 0; __redtab_k[0] < ${#__redtab_i[@]}; __redtab_k[0]++)); do
      __redtab_c[0]=${PROMPT_COMMAND[${__redtab_i[${__redtab_k[0]}]}]}
      case ${__redtab_c[0]} in
        __redtab_prompt) ;;
        __bp_interactive_mode) __redtab_tail=(__bp_interactive_mode) ;;
        # Another tool joined our entry to its own: it keeps its place, and we take ours.
        *) __redtab_all+=("${__redtab_c[0]//__redtab_prompt/__redtab_none}") ;;
      esac
    done
    # Element 0 stays free where nobody has it: tools that know no arrays write there.
    if ((${#__redtab_all[@]} == 0)); then
      PROMPT_COMMAND=([1]=__redtab_prompt "${__redtab_tail[@]}")
    else
      PROMPT_COMMAND=("${__redtab_all[@]}" __redtab_prompt "${__redtab_tail[@]}")
    fi
  else
    case ${PROMPT_COMMAND-} in
      *__redtab_prompt | *$'__redtab_prompt\n__bp_interactive_mode') return 0 ;;
    esac
    __redtab_c[0]=${PROMPT_COMMAND-}
    __redtab_c[0]=${__redtab_c[0]//__redtab_prompt/__redtab_none}
    case ${__redtab_c[0]} in
      *__bp_interactive_mode)
        PROMPT_COMMAND=${__redtab_c[0]%__bp_interactive_mode}$'__redtab_prompt\n__bp_interactive_mode' ;;
      *) PROMPT_COMMAND=${__redtab_c[0]:+${__redtab_c[0]}$'\n'}__redtab_prompt ;;
    esac
  fi
}

# Stands where our name stood inside another tool's entry; keeps the exit status.
__redtab_none() { return "$?"; }

__redtab_prompt() {
  __redtab_rc=("$?") # no `local` before it: under `set -k` its argument would be no assignment
  # The user's options are his: ours hold inside this function only (bash 4.4 and later).
  local - 2>/dev/null && \builtin set +aefkuvxET
  local IFS=$' \t\n'
  if [[ ${REDTAB-} == off ]]; then
    __redtab_live=()
    __redtab_plain "redtab off${__redtab_inherited[0]:+ (inherited)}"
  elif [[ -n ${__redtab_live[0]-} && -z ${__redtab_always[0]-} ]] && __redtab_same; then
    :
  else
    __redtab_inherited=()
    __redtab_ask
  fi
  __redtab_draw
  __redtab_arrange
  return "${__redtab_rc[0]}"
}

\builtin export -nf __redtab_plain __redtab_ask __redtab_prefix __redtab_draw __redtab_arrange __redtab_none \
  __redtab_prompt
__redtab_arrange
__redtab_plain 'redtab ?'

fi

if [[ -n ${__redtab_aliases[0]-} ]]; then \builtin shopt -s expand_aliases; fi
\builtin unset -v __redtab_aliases
