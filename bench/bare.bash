# shellcheck shell=bash
# The least a hook can do that notices changes without a fork: compares the variables and files it is given and sets
# PS1. It detects nothing and defends itself against nothing; redtab is measured against it.
# Expects bare_names and bare_files.
# shellcheck disable=SC2154

__bare_values=
for __bare_i in "${bare_names[@]}"; do
  __bare_values+="\${$__bare_i-}|"
done
__bare_tests=1
mkdir -p "$REDTAB_RUN_DIR/bare"
__bare_n=0
for __bare_i in "${bare_files[@]}"; do
  if [[ -e $__bare_i ]]; then
    __bare_s=$REDTAB_RUN_DIR/bare/$((__bare_n++))
    touch -r "$__bare_i" "$__bare_s"
    __bare_tests+=" && ! '$__bare_i' -nt '$__bare_s' && ! '$__bare_i' -ot '$__bare_s'"
  else
    __bare_tests+=" && ! -e '$__bare_i'"
  fi
done
eval "__bare_seen=\"$__bare_values\"
__bare_same() { [[ \"$__bare_values\" == \"\$__bare_seen\" && $__bare_tests ]]; }"

__bare_prompt() {
  if __bare_same; then
    PS1='\[\e[97;41m\] PROD prod-eu \[\e[0m\] @@ '
  else
    PS1='changed @@ '
  fi
}
PROMPT_COMMAND=__bare_prompt
