# redtab's hook for zsh. It does four things and holds no policy: notice that an input changed, call the binary,
# show what it said, hold back a line that it refuses (docs/protocol.md). `redtab init zsh` wraps this text in
# `emulate zsh -c`: no alias is expanded in it, and its functions run with zsh's own options whatever the user has set.

if [[ -o interactive ]]; then

builtin zmodload zsh/parameter 2>/dev/null
builtin zmodload zsh/regex 2>/dev/null

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
typeset -ga __redtab_hot=()        # every line goes to the guard
typeset -ga __redtab_ask=()        # lines that go there though the tab is clear
typeset -ga __redtab_names=()      # words that do the same, in one text
typeset -ga __redtab_shown=()      # what the prompt said, for the guard: nothing where it said nothing
typeset -ga __redtab_again=()      # a line that runs unchecked if it comes again right away
typeset -ga __redtab_warned=()     # a broken guard was named
typeset -ga __redtab_paint=()      # what is printed to the terminal at every prompt
typeset -ga __redtab_restore       # what is printed when this shell ends
typeset -ga __redtab_marked        # a pane of tmux carries marks, which go when this shell ends
typeset -ga __redtab_tty=()        # the terminal could be written to: no complaint is to be silenced
typeset -ga __redtab_title=()      # what stands in front of the user's own title
typeset -ga __redtab_note=()       # the file that says how the tab is painted
typeset -ga __redtab_terminal=()   # which terminal the binary found
typeset -ga __redtab_settled=()    # what the prompt and the lists of hooks were when everything of ours was in its place
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
  local -a reply=() jobs=(no) rc=(0)
  __redtab_live=() __redtab_always=() __redtab_say=() __redtab_shown=() __redtab_paint=() __redtab_title=()
  builtin unset REDTAB_BADGE
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
  (( $#jobstates )) && jobs=(yes)
  __redtab_asking=(1)
  reply=("$($__redtab_bin[1] hook prompt --shell zsh --shell-version $ZSH_VERSION --pid $$ \
    --can-block yes --terminal "$__redtab_terminal[1]" --jobs $jobs[1] </dev/null 2>/dev/null)") || rc=($?) reply=('')
  # Interrupted: still asking, as the next prompt finds it.
  [[ $rc[1] == 130 ]] && return
  __redtab_asking=() __redtab_strikes=(0)
  if [[ $reply[1] == 'redtab 1'$'\n'*$'\n''redtab end' ]]; then
    reply[1]=${reply[1]#*$'\n'}
    builtin eval "${reply[1]%$'\n'*}"
    __redtab_look
    __redtab_live=(1)
  fi
  if (( $#__redtab_say )); then
    builtin print -r -u2 -- "$__redtab_say[1]"
  fi
}

# Writes to the terminal, wherever stdout goes.
__redtab_tell() {
  [[ -n $1 ]] && { builtin print -rn -- "$1" >/dev/tty } 2>/dev/null && __redtab_tty=(1)
  return 0
}

# Puts back what shows this tab's verdict outside of the prompt.
__redtab_put_back() {
  __redtab_tell "$__redtab_restore[1]"
  [[ -n ${__redtab_marked[1]-} && -x $__redtab_bin[1] ]] && $__redtab_bin[1] hook exit </dev/null &>/dev/null
  __redtab_marked=()
}

# The shell ends.
__redtab_leave() {
  __redtab_put_back
}

# Other hooks that run before a command may write a title of their own: where the guard painted for this command, its
# mark comes back in front. $2 is the line.
__redtab_retitle() {
  local -a lines=()
  (( $#preexec_functions > 2 && $#__redtab_note )) && [[ -r $__redtab_note[1] ]] || return 0
  lines=("${(@f)$(<$__redtab_note[1])}")
  if [[ $lines[3] == title ]]; then
    __redtab_tell $'\e]2;'"$lines[1] $lines[4] ${${(V)2}[1,48]}"$'\a'
  fi
}

# Puts the segment into the user's own prompt, after the newlines that it may begin with. The text itself stays in
# psvar, which zsh never expands again; only colours stand in PROMPT. $1 and $2 are the user's own settings of
# prompt_percent and prompt_subst.
__redtab_draw() {
  local -a new=('') head=('') body=("$PROMPT") at=()
  psvar[97]=${__redtab_text[1]-}
  psvar[98]=${__redtab_title[1]-}
  # In front of the title that the user's own PROMPT sets: that one is written after ours.
  if [[ $1 == on && $PROMPT == *$'\e]'[02]';'* && $PROMPT != *%98v* ]]; then
    at=($'\e]0;' $'\e]2;')
    PROMPT=${PROMPT//"$at[1]"/"$at[1]"%98v}
    PROMPT=${PROMPT//"$at[2]"/"$at[2]"%98v}
    body=("$PROMPT")
  fi
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
  # First of all: what runs before a command has no business before one that is refused.
  if [[ ${preexec_functions[1]-} != __redtab_preexec ]]; then
    preexec_functions=(__redtab_preexec "${(@)preexec_functions:#__redtab_preexec}")
  fi
  if [[ ${preexec_functions[-1]-} != __redtab_retitle ]]; then
    preexec_functions=("${(@)preexec_functions:#__redtab_retitle}" __redtab_retitle)
  fi
  [[ " $zshexit_functions " == *' __redtab_leave '* ]] || zshexit_functions+=(__redtab_leave)
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
  # Nearly always nothing has changed, and everything of ours is in its place as well.
  if [[ ${REDTAB-} != off ]] && (( $#__redtab_live && ! $#__redtab_always )) && __redtab_same &&
    [[ "$1$2$psvar[97]$psvar[98]/$precmd_functions/$preexec_functions/$PROMPT" == "$__redtab_settled" ]]; then
    if (( $#__redtab_paint && $#__redtab_tty )); then
      builtin print -rn -- "$__redtab_paint[1]" >/dev/tty
    elif (( $#__redtab_paint )); then
      __redtab_tell "$__redtab_paint[1]"
    fi
    return 0
  fi
  # Outside of a pipeline a Ctrl-C ends nothing in zsh: it makes a condition false, and what follows from that is done. A
  # trap keeps them true; the binary ends by the interrupt all the same.
  builtin setopt localtraps
  builtin trap ':' INT
  if [[ ${REDTAB-} == off ]]; then
    __redtab_put_back
    __redtab_live=() __redtab_paint=() __redtab_restore=() __redtab_title=()
    builtin unset REDTAB_BADGE
    __redtab_plain "redtab off${__redtab_inherited:+ (inherited)}"
  elif ! { (( $#__redtab_live && ! $#__redtab_always )) && __redtab_same }; then
    __redtab_inherited=()
    __redtab_ask $1 $2
  fi
  __redtab_draw $1 $2
  __redtab_tell "$__redtab_paint[1]"
  __redtab_arrange
  __redtab_settled=("$1$2$psvar[97]$psvar[98]/$precmd_functions/$preexec_functions/$PROMPT")
}

# Whether a line of a clear tab concerns the guard: it looks like it, or an input changed since the prompt was drawn.
# $1 is the line, $2 the bodies of the functions it names.
__redtab_concerns() {
  local MATCH MBEGIN MEND
  local -a match mbegin mend
  (( $#__redtab_ask )) || return 1
  # Where the pattern can't be tried, or it would take long, every line concerns it.
  (( ${#1} + ${#2} > 20000 )) && return 0
  [[ -n ${modules[zsh/regex]-} ]] || return 0
  local __redtab_word
  for __redtab_word in ${(u)=${:-$1 $2}//[^A-Za-z0-9_.-]/ }; do
    [[ ${__redtab_names[1]-} == *" $__redtab_word "* ]] && return 0
  done
  [[ $1 =~ $__redtab_ask[1] || -n $2 && $2 =~ $__redtab_ask[1] ]] && return 0
  (( $#__redtab_live )) && ! __redtab_same
}

# Adds to $__redtab_input, as the guard reads it, a field of the kind $1 with the text $2 and perhaps the name $3.
__redtab_field() {
  builtin setopt localoptions no_multibyte # lengths are bytes
  __redtab_input[1]+="$1 ${#2}${3:+ $3}"$'\n'"$2"$'\n'
}

# Adds to $__redtab_bodies the functions named in the text $1 that are not there yet; to $__redtab_found, their bodies.
__redtab_functions() {
  local __redtab_word
  local -a words=("${(@Qz)1[1,20000]}")
  for __redtab_word in "${(@u)words}"; do
    if [[ -n $__redtab_word && -z ${__redtab_bodies[$__redtab_word]-} && -n ${functions[$__redtab_word]-} ]]; then
      __redtab_bodies[$__redtab_word]=$functions[$__redtab_word]
      __redtab_found+=("$functions[$__redtab_word]")
    fi
  done
}

# Adds to $__redtab_input what this shell has in the variables that the text $1 names.
__redtab_look_up() {
  local __redtab_name
  local -a __redtab_parts=("${(@s:$:)${:-x$1[1,20000]}}") __redtab_words=()
  for __redtab_name in "${(@)__redtab_parts[2,-1]}"; do
    __redtab_name=${${__redtab_name#\{}%%[^A-Za-z0-9_]*}
    # To read one of these changes it.
    [[ $__redtab_name == (_|RANDOM|history) ]] && continue
    [[ $__redtab_name == [A-Za-z_]* && $__redtab_name != __redtab* && $__redtab_known != *" $__redtab_name "* ]] || continue
    __redtab_known+="$__redtab_name "
    [[ ${(Pt)__redtab_name} == (scalar|integer|float|array)* ]] || continue
    __redtab_words=("${(@P)__redtab_name}")
    # What is huge names no file and no target.
    (( $#__redtab_words > 64 || ${#${(j: :)__redtab_words}} > 4096 )) && continue
    (( ${#__redtab_input[1]} > 200000 )) && return
    while (( $#__redtab_words )); do
      __redtab_field variable "$__redtab_words[1]" "$__redtab_name"
      builtin shift __redtab_words
    done
  done
}

# Sees each line before it runs, aliases expanded. A line is dropped by an interrupt: nothing of it runs, whatever it
# is made of.
__redtab_preexec() {
  local -a __redtab_cut=()
  # An interrupt ends the guard, and then the line; it makes no condition false in between (__redtab_prompt).
  builtin setopt localtraps
  builtin trap '__redtab_cut=(1)' INT
  __redtab_judge "$@" && (( ! $#__redtab_cut )) && return
  builtin trap - INT
  builtin kill -INT $$
}

# Whether the line runs; takes what zsh hands to the functions in preexec_functions. What the guard's answers mean stands
# in docs/protocol.md.
__redtab_judge() {
  # zsh puts a blank behind some lines.
  local -a __redtab_line=("${3%${3##*[^[:space:]]}}") __redtab_before=("$__redtab_again[@]")
  # None has a name of the user's: his variables are looked up in here.
  local -a __redtab_input=('') __redtab_answer=('') __redtab_rc=(0) __redtab_tab=(no) __redtab_began=($SECONDS)
  local -a __redtab_found=() __redtab_next=()
  local -A __redtab_bodies=()
  local __redtab_word __redtab_known=' '
  __redtab_again=()
  [[ ${REDTAB-} == off ]] && return 0
  (( $#__redtab_hot )) && __redtab_tab=(yes)
  __redtab_functions "$__redtab_line[1]"
  if [[ $__redtab_tab[1] == no ]]; then
    __redtab_concerns "$__redtab_line[1]" "${(F)__redtab_found}" || return 0
  fi
  if (( $#__redtab_before )) && [[ $__redtab_before[1] == "$__redtab_line[1]" ]]; then
    return 0
  fi
  # What the functions name in their turn.
  while (( $#__redtab_found && $#__redtab_bodies < 64 )); do
    __redtab_next=($__redtab_found)
    __redtab_found=()
    for __redtab_word in "$__redtab_next[@]"; do __redtab_functions "$__redtab_word"; done
  done
  __redtab_field line "$__redtab_line[1]"
  (( $#__redtab_shown )) && __redtab_field shown "$__redtab_shown[1]"
  for __redtab_word in "${(@k)__redtab_bodies}"; do __redtab_field function "$__redtab_bodies[$__redtab_word]" "$__redtab_word"; done
  for __redtab_word in "$__redtab_line[1]" "${(@v)__redtab_bodies}"; do
    [[ $__redtab_word == *'$'* ]] && __redtab_look_up "$__redtab_word"
  done
  if [[ -f $__redtab_bin[1] && -x $__redtab_bin[1] ]]; then
    __redtab_answer=("$({ builtin trap '' INT; builtin print -rn -- "$__redtab_input[1]" } 2>/dev/null | $__redtab_bin[1] guard --shell zsh --pid $$ \
      --hot $__redtab_tab[1] --terminal "$__redtab_terminal[1]" 2>/dev/null)") || __redtab_rc=($?)
  else
    __redtab_rc=(127)
  fi
  if [[ $'\n'$__redtab_answer[1]$'\n' == *$'\nstop\n'* ]]; then
    [[ $__redtab_rc[1] == 0 && $__redtab_answer[1] == *$'\nyes' ]] && return 0
    # Held, not refused: the line goes back to where it was typed.
    [[ $'\n'$__redtab_answer[1]$'\n' == *$'\nheld\n'* ]] && builtin print -rz -- "${1:-$2}"
  elif [[ $__redtab_rc[1] == 0 ]]; then
    __redtab_warned=()
    return 0
  elif [[ $__redtab_rc[1] == 130 ]]; then
    # It may have been about to refuse the line, unless it hung longer than it ever takes.
    if (( SECONDS - __redtab_began[1] >= 2 )); then
      builtin print -r -u2 -- "redtab: the guard hangs. The same line again runs unchecked."
      __redtab_again=("$__redtab_line[1]")
    fi
  elif [[ $__redtab_rc[1] != 77 ]]; then
    if [[ $__redtab_tab[1] == no ]]; then
      (( $#__redtab_warned )) || builtin print -r -u2 -- \
        "redtab: the guard fails (status $__redtab_rc[1]): lines run unchecked.  redtab status"
      __redtab_warned=(1)
      return 0
    fi
    builtin print -r -u2 -- "redtab: the guard fails (status $__redtab_rc[1]), and production is near. It was not run."
    builtin print -r -u2 -- "        The same line again runs unchecked."
    __redtab_again=("$__redtab_line[1]")
  fi
  return 1
}

# powerlevel10k rebuilds PROMPT itself; add `redtab` to its elements (contrib/powerlevel10k.zsh).
prompt_redtab() {
  (( $#__redtab_text )) || return 0
  local -a n=(${(s:;:)__redtab_style[1]-}) look=() side=(-f)
  while (( $#n )); do
    case $n[1] in
      38|48)
        [[ $n[1] == 38 ]] && side=(-f) || side=(-b)
        if [[ $n[2] == 2 ]]; then
          look+=($side "#${(l:2::0:)$(( [##16] n[3] ))}${(l:2::0:)$(( [##16] n[4] ))}${(l:2::0:)$(( [##16] n[5] ))}")
          n=($n[6,-1])
        else
          look+=($side $n[3])
          n=($n[4,-1])
        fi ;;
      9[0-7]) look+=(-f $(( n[1] - 82 ))) n=($n[2,-1]) ;;
      3[0-7]) look+=(-f $(( n[1] - 30 ))) n=($n[2,-1]) ;;
      4[0-7]) look+=(-b $(( n[1] - 40 ))) n=($n[2,-1]) ;;
      *) n=($n[2,-1]) ;;
    esac
  done
  p10k segment $look -t "${__redtab_text[1]//\%/%%}"
}
instant_prompt_redtab() { : }

__redtab_arrange
__redtab_plain 'redtab ?'

fi
