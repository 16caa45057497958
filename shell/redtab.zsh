# redtab's hook for zsh. It does three things and holds no policy: notice that an input changed, call the binary,
# show what it said (docs/protocol.md). `redtab init zsh` wraps this text in `emulate zsh -c`: no alias is expanded
# in it, and its functions run with zsh's own options whatever the user has set.

if [[ -o interactive ]]; then

builtin zmodload zsh/parameter 2>/dev/null

typeset -ga __redtab_bin=(@@REDTAB_BIN@@)
typeset -ga __redtab_live=()       # the last answer holds
typeset -ga __redtab_always=()     # ask at every prompt
typeset -ga __redtab_text=()       # the segment, plain: for other people's prompts
typeset -ga __redtab_style=()      # its colours, as SGR numbers; empty where there is no colour
typeset -ga __redtab_say=()        # one line for the person
typeset -ga __redtab_prefix        # what stands in front of the user's PROMPT; kept when this text is read again
typeset -ga __redtab_asking=()     # a question is under way; still set at the next prompt, it was interrupted
typeset -ga __redtab_strikes=(0)   # how many prompts to leave it alone after an interrupted question
typeset -ga __redtab_skip=(0)      # how many of them are left
typeset -ga __redtab_inherited=()  # REDTAB=off was there before this shell
[[ ${REDTAB-} == off ]] && __redtab_inherited=(1)

# Shows a constant of ours: no answer of the binary is at hand.
__redtab_plain() {
  __redtab_text=($1)
  __redtab_style=('30;43')
  [[ -n ${NO_COLOR-} || ${TERM-} == dumb ]] && __redtab_style=()
}

# Asks the binary. Whatever goes wrong, the old answer is gone: unknown is never shown as safe. A binary that hangs
# until Ctrl-C must not be met again at the very next prompt, nor at the one after: the shell stays usable.
__redtab_ask() {
  local -a reply=()
  __redtab_live=() __redtab_always=() __redtab_say=()
  __redtab_plain 'redtab ?'
  __redtab_draw $1 $2
  if (( $#__redtab_asking )); then
    __redtab_asking=()
    (( __redtab_strikes[1] < 32 )) && __redtab_strikes=($(( __redtab_strikes[1] * 2 + 1 )))
    __redtab_skip=($__redtab_strikes[1])
    return
  fi
  if (( __redtab_skip[1] > 0 )); then
    __redtab_skip=($(( __redtab_skip[1] - 1 )))
    return
  fi
  __redtab_asking=(1)
  reply=("$($__redtab_bin[1] hook prompt --shell zsh --shell-version $ZSH_VERSION --pid $$ \
    --can-block no </dev/null 2>/dev/null)") || reply=('')
  __redtab_asking=() __redtab_strikes=(0)
  if [[ $reply[1] == 'redtab 1'$'\n'*$'\n''redtab end' ]]; then
    reply[1]=${reply[1]#*$'\n'}
    builtin eval "${reply[1]%$'\n'*}"
    __redtab_look
    __redtab_seen=("$__redtab_now[@]")
    __redtab_live=(1)
  fi
  if (( $#__redtab_say )); then
    builtin print -r -u2 -- "$__redtab_say[1]"
  fi
}

# Puts the segment into the user's own prompt, after the newlines that it may begin with. The text itself stays in
# psvar, which zsh never expands again; only colours stand in PROMPT. $1 and $2 are the user's own settings of
# prompt_percent and prompt_subst.
__redtab_draw() {
  local -a new=('') head=('') body=("$PROMPT")
  psvar[97]=${__redtab_text[1]-}
  if [[ -n $psvar[97] ]]; then
    if [[ $1 == off && $2 == on ]]; then
      new=('[${__redtab_text}] ')
    elif [[ $1 == off ]]; then
      # Harmless even where it is expanded: an exported PROMPT reaches other shells.
      new=("[${__redtab_text[1]//[\$\`]/?}] ")
    elif (( $#__redtab_style )); then
      new=($'%{\e['$__redtab_style[1]$'m%} %97v %{\e[0m%} ')
    else
      new=('[%97v] ')
    fi
  fi
  if [[ -n ${__redtab_prefix[1]-} && $PROMPT == *"$__redtab_prefix[1]"* ]]; then
    [[ $__redtab_prefix[1] == "$new[1]" ]] && return
    body=("${PROMPT%%"$__redtab_prefix[1]"*}${PROMPT#*"$__redtab_prefix[1]"}")
  elif [[ -z $new[1] ]]; then
    return
  fi
  __redtab_prefix=("$new[1]")
  if [[ -n $new[1] ]]; then
    while [[ $body[1] == $'\n'* ]]; do
      head[1]+=$'\n'
      body[1]=${body[1]#$'\n'}
    done
  fi
  PROMPT=$head[1]$new[1]$body[1]
}

# Keeps our place: last of all, so that what direnv and mise export at this prompt is seen at this prompt; only
# powerlevel10k, which builds its prompt in its own hook, must find the answer ready.
__redtab_arrange() {
  if [[ ${precmd_functions[-1]-} == __redtab_precmd ]]; then
    return
  elif [[ ${precmd_functions[-1]-} == _p9k_precmd && ${precmd_functions[-2]-} == __redtab_precmd ]]; then
    return
  fi
  local -a all=("${(@)precmd_functions:#__redtab_precmd}")
  if [[ ${all[-1]-} == _p9k_precmd ]]; then
    precmd_functions=("${(@)all[1,-2]}" __redtab_precmd _p9k_precmd)
  else
    precmd_functions=("${(@)all}" __redtab_precmd)
  fi
}

__redtab_prompt() {
  if [[ ${REDTAB-} == off ]]; then
    __redtab_live=()
    __redtab_plain "redtab off${__redtab_inherited:+ (inherited)}"
  elif (( $#__redtab_live && ! $#__redtab_always )) && __redtab_same; then
    :
  else
    __redtab_inherited=()
    __redtab_ask $1 $2
  fi
  __redtab_draw $1 $2
  __redtab_arrange
}

# powerlevel10k rebuilds PROMPT itself; add `redtab` to its elements (contrib/powerlevel10k.zsh).
prompt_redtab() {
  if (( $#__redtab_text )); then
    case ${__redtab_style[1]-} in
      *41*) p10k segment -b red -f white -t "${__redtab_text[1]//\%/%%}" ;;
      *)    p10k segment -b yellow -f black -t "${__redtab_text[1]//\%/%%}" ;;
    esac
  fi
}
instant_prompt_redtab() { : }

__redtab_arrange
__redtab_plain 'redtab ?'

fi
