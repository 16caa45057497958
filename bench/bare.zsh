# The least a hook can do that notices changes without a fork: compares the variables and files it is given and sets
# PROMPT. It detects nothing and defends itself against nothing; redtab is measured against it.
# Expects bare_names and bare_files.

() {
  local name file stamp values tests=1 n=0
  for name in $bare_names; do
    values+="\${$name-}|"
  done
  mkdir -p "$REDTAB_RUN_DIR/bare"
  for file in $bare_files; do
    if [[ -e $file ]]; then
      stamp=$REDTAB_RUN_DIR/bare/$((n++))
      touch -r $file $stamp
      tests+=" && ! '$file' -nt '$stamp' && ! '$file' -ot '$stamp'"
    else
      tests+=" && ! -e '$file'"
    fi
  done
  eval "typeset -g __bare_seen=\"$values\"
  __bare_same() { [[ \"$values\" == \"\$__bare_seen\" && $tests ]] }"
}

__bare_prompt() {
  if __bare_same; then
    PROMPT=$'%{\e[97;41m%} PROD prod-eu %{\e[0m%} @@ '
  else
    PROMPT='changed @@ '
  fi
}
precmd_functions+=(__bare_prompt)
