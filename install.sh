#!/bin/sh
# Builds redtab from this checkout and installs it under a prefix, with one marked line in the rc file of each shell
# it finds. It refuses to touch an rc file unasked, and writes into them in place, so that links, modes and owners
# stay. All it must remember for the way back is in the mark at the end of that line.
set -u

usage() {
  cat <<'USAGE'
Usage: ./install.sh [--yes | --no-rc] [--prefix DIR]
       ./install.sh --uninstall [--prefix DIR]

Builds redtab with cargo and installs it:

  DIR/bin/redtab
  DIR/share/man/man1/redtab.1
  DIR/share/bash-completion/completions/redtab
  DIR/share/zsh/site-functions/_redtab
  DIR/share/fish/vendor_completions.d/redtab.fish

Then it asks, for bash, zsh and fish where they are installed, whether to add one line at the end of the rc file, and
shows what redtab thinks of the names on this machine.

  -p, --prefix DIR  where to install; ~/.local unless given
  -y, --yes         add the lines without asking
      --no-rc       leave the rc files alone and print the lines
      --uninstall   remove the files and the lines; rc files become what they were, byte for byte
  -h, --help        print this

For packagers: REDTAB_INSTALL_BINARY=FILE installs that binary and builds nothing.
USAGE
}

mark='# redtab install.sh'
bashrc_mention='bashrc'
shown_names=10
tmp=
failed=0

# --- speaking -------------------------------------------------------------------------------------------------------

complain() { printf 'redtab: %s\n' "$1" >&2; }

die() {
  complain "$1"
  exit "${2-1}"
}

# A path as a person writes it. Control characters in it never reach the terminal.
shown() {
  case $1 in
    "${HOME-}"/*) printf '~%s' "${1#"$HOME"}" ;;
    *) printf '%s' "$1" ;;
  esac | LC_ALL=C tr '[:cntrl:]' '?'
}

# What was said so far, then one more: `a`, `a, b`, …
listed() { printf '%s' "${1:+$1, }$2"; }

# --- the line -------------------------------------------------------------------------------------------------------

quote_sh() { printf '%s\n' "$1" | LC_ALL=C sed "s/'/'\\\\''/g; s/^/'/; s/\$/'/"; }
quote_fish() { printf '%s\n' "$1" | LC_ALL=C sed "s/[\\\\']/\\\\&/g; s/^/'/; s/\$/'/"; }

# The line for shell $1 in rc file $2, without its mark. It calls the binary by its absolute path, is silent where
# nobody looks (scp and rsync read .bashrc), and speaks up when the binary is gone or fails. Any Bourne shell may read
# a login file, hence BASH_VERSION.
code_for() {
  text="redtab: $(shown "$binary") is missing or does not run, so nothing turns red here."
  text="$text Install it again, or delete the redtab line in $(shown "$2")."
  case $1 in
    fish) b=$(quote_fish "$binary") text=$(quote_fish "$text") ;;
    *) b=$(quote_sh "$binary") text=$(quote_sh "$text") ;;
  esac
  # shellcheck disable=SC2016 # the shell that reads the rc file expands these
  case $1 in
    bash)
      printf 'case $-:${BASH_VERSION-} in *i*:?*) '
      printf 'eval "$([ -x %s ] && %s init bash || printf '\''%%s\\n'\'' %s >&2)" ;; esac\n' "$b" "$b" "$text"
      ;;
    zsh)
      printf 'case $- in *i*) '
      printf 'eval "$([ -x %s ] && %s init zsh || printf '\''%%s\\n'\'' %s >&2)" ;; esac\n' "$b" "$b" "$text"
      ;;
    fish)
      printf 'if status is-interactive; begin; test -x %s; and %s init fish; ' "$b" "$b"
      printf 'or printf '\''%%s\\n'\'' %s >&2; end | source; end\n' "$text"
      ;;
  esac
}

# --- rc files -------------------------------------------------------------------------------------------------------

# The numbers of the marked lines in file $1.
marked() { LC_ALL=C sed -n "/$mark\$/=; /$mark (and [a-z0-9 ]*)\$/=" "$1"; }

line_at() { LC_ALL=C sed -n "$2p" "$1"; }

# Lines 1 to $2 of $1, bytes as they are.
first_lines() { if [ "$2" -gt 0 ]; then head -n "$2" "$1"; fi; }

# All of $1 but its last $2 bytes, where those are newlines; all of it where they are not.
without_newlines() {
  size=$(($(wc -c <"$1")))
  if [ "$(($(tail -c "$2" "$1" | wc -l)))" -ne "$2" ]; then
    cat "$1"
  elif [ "$size" -gt "$2" ]; then
    head -c "$((size - $2))" "$1"
  fi
}

# Can $1 be changed in place? Root may write anything: a file whose owner took the write permission away is left
# alone all the same.
writable() { [ -w "$1" ] && [ -n "$(find -L "$1" -prune -perm -200 2>/dev/null)" ]; }

# Puts $tmp/new into $1 through its link and with its mode and owner. What was there comes back if that fails.
rewrite() {
  cp "$1" "$tmp/old" || return 1
  trap '' HUP INT TERM
  if { cat "$tmp/new" >"$1"; } 2>/dev/null; then
    result=0
  elif { cat "$tmp/old" >"$1"; } 2>/dev/null; then
    result=1
  else
    old=$tmp/old
    tmp=
    die "$(shown "$1") could not be written (is the disk full?). What it held is in $old"
  fi
  catch_signals
  return "$result"
}

# Why rc file $1 can't get a line; nothing when it can.
obstacle() {
  if [ -L "$1" ] && [ ! -e "$1" ]; then
    printf 'it is a link to nothing'
  elif [ -e "$1" ] && [ ! -f "$1" ]; then
    printf 'it is no regular file'
  elif [ -e "$1" ] && [ ! -r "$1" ]; then
    printf 'it can not be read'
  elif [ -e "$1" ] && ! writable "$1"; then
    printf 'it is read-only'
  fi
}

# Does $1 end in the middle of a line that goes on in the next?
continued() { tail -n 1 "$1" | LC_ALL=C grep '\\$' >/dev/null; }

# Appends line $2 to rc file $1. The mark says what else was added.
append() {
  added=0
  also=
  if [ ! -e "$1" ]; then
    mkdir -p "$(dirname -- "$1")" 2>/dev/null || return 1
    also=' (and the file)'
  elif [ -s "$1" ]; then
    [ "$(($(tail -c 1 "$1" | wc -l)))" -eq 1 ] || added=1
    if continued "$1"; then added=$((added + 1)); fi
  fi
  {
    if [ -e "$1" ]; then cat "$1"; fi
    case $added in
      1) also=' (and the newline before it)' && echo ;;
      2) also=' (and 2 newlines before it)' && echo && echo ;;
    esac
    printf '%s %s%s\n' "$2" "$mark" "$also"
  } >"$tmp/new" || return 1
  if [ -e "$1" ]; then rewrite "$1"; else { cat "$tmp/new" >"$1"; } 2>/dev/null; fi
}

# Puts line $3 in the place of line $2 of rc file $1; what the mark remembers stays.
replace() {
  was=$(line_at "$1" "$2")
  {
    first_lines "$1" "$(($2 - 1))"
    printf '%s %s%s\n' "$3" "$mark" "${was##*"$mark"}"
    tail -n "+$(($2 + 1))" "$1"
  } >"$tmp/new" && rewrite "$1"
}

# Takes every marked line out of rc file $1, and what came with it. A file that was made for the line goes with it.
strip() {
  made=0
  cp "$1" "$tmp/new" || return 1
  while number=$(marked "$tmp/new" | tail -n 1) && [ -n "$number" ]; do
    was=$(line_at "$tmp/new" "$number")
    first_lines "$tmp/new" "$((number - 1))" >"$tmp/head"
    tail -n "+$((number + 1))" "$tmp/new" >"$tmp/tail"
    newlines=0
    case $was in
      *' (and the file)') made=1 ;;
      *' (and the newline before it)') newlines=1 ;;
      *' (and 2 newlines before it)') newlines=2 ;;
    esac
    # Lines that came after ours need the newline.
    if [ -s "$tmp/tail" ] || [ "$newlines" -eq 0 ]; then
      cat "$tmp/head" "$tmp/tail" >"$tmp/new" || return 1
    else
      without_newlines "$tmp/head" "$newlines" >"$tmp/new" || return 1
    fi
  done
  if [ "$made" -eq 1 ] && [ ! -s "$tmp/new" ] && [ ! -L "$1" ]; then rm -f "$1"; else rewrite "$1"; fi
}

# --- which rc files -------------------------------------------------------------------------------------------------

have() { command -v "$1" >/dev/null 2>&1; }

# ZDOTDIR is often set in .zshenv and not exported: only zsh knows it.
zsh_dir() {
  dir=
  if have zsh; then
    # shellcheck disable=SC2016 # zsh expands it
    dir=$(zsh -c 'printf "\n%s\n" "${ZDOTDIR:-$HOME}"' </dev/null 2>/dev/null | tail -n 1)
  fi
  case $dir in
    /*) ;;
    *) dir=${ZDOTDIR:-$HOME} ;;
  esac
  printf '%s' "$dir"
}

fish_dir() { printf '%s/fish' "${XDG_CONFIG_HOME:-$HOME/.config}"; }

mentions() { [ -r "$2" ] && LC_ALL=C grep -v "$mark" "$2" | LC_ALL=C grep "$1" >/dev/null; }

# The file that bash's login shells (ssh, tmux, macOS terminals) read, where they would not come by .bashrc.
bash_login_file() {
  for name in .bash_profile .bash_login .profile; do
    file=$HOME/$name
    [ -r "$file" ] || continue
    # shellcheck disable=SC3013 # -ef is in POSIX since 2024 and in every sh that matters
    if [ "$file" -ef "$HOME/.bashrc" ]; then return; fi
    if mentions "$bashrc_mention" "$file"; then return; fi
    if [ "$name" != .profile ] && mentions '\.profile' "$file" &&
      mentions "$bashrc_mention" "$HOME/.profile"; then return; fi
    printf 'bash %s\n' "$file"
    return
  done
  if [ "$(uname -s)" = Darwin ]; then printf 'bash %s\n' "$HOME/.bash_profile"; fi
}

# One line each: the shell and its rc file.
rc_files() {
  if have bash; then
    printf 'bash %s\n' "$HOME/.bashrc"
    bash_login_file
  fi
  if have zsh; then printf 'zsh %s\n' "$(zsh_dir)/.zshrc"; fi
  if have fish; then printf 'fish %s\n' "$(fish_dir)/config.fish"; fi
}

# Every file that may hold our line, whatever is installed and set now.
rc_candidates() {
  for file in "$HOME/.bashrc" "$HOME/.bash_profile" "$HOME/.bash_login" "$HOME/.profile" "$HOME/.zshrc" \
    "$(zsh_dir)/.zshrc" "$(fish_dir)/config.fish" "$HOME/.config/fish/config.fish"; do
    printf '%s\n' "$file"
  done
}

# --- the steps ------------------------------------------------------------------------------------------------------

# Opening /dev/tty fails where there is no terminal; in a subshell, for a failed redirection may end a shell.
has_terminal() { (exec </dev/tty >/dev/tty) 2>/dev/null; }

# Enter is yes; no answer is no.
agreed() {
  case $consent in
    yes) return 0 ;;
    no) return 1 ;;
  esac
  printf 'redtab: %s [Y/n] ' "$1" >/dev/tty
  read -r answer </dev/tty || return 1
  case $answer in
    '' | [Yy]*) return 0 ;;
    *) return 1 ;;
  esac
}

# Hands back the line for a file that is left alone.
by_hand() {
  printf 'redtab: %s is left as it is%s. To use redtab in %s, add this as its last line:\n' \
    "$(shown "$2")" "$4" "$1"
  printf '%s %s\n' "$3" "$mark"
}

add_line() {
  shell=$1
  rc=$2
  code=$(code_for "$shell" "$rc")
  why=$(obstacle "$rc")
  if [ -n "$why" ]; then
    by_hand "$shell" "$rc" "$code" ": $why" >&2
    failed=1
    return
  fi
  number=
  if [ -e "$rc" ]; then number=$(marked "$rc" | head -n 1); fi
  if [ -n "$number" ]; then
    case $(line_at "$rc" "$number") in
      "$code $mark"*)
        lined=$(listed "$lined" "$(shown "$rc")")
        return
        ;;
    esac
  fi
  if ! agreed "${number:+renew the line in }${number:-add one line to }$(shown "$rc")?"; then
    by_hand "$shell" "$rc" "$code" "$left_why"
  elif if [ -n "$number" ]; then replace "$rc" "$number" "$code"; else append "$rc" "$code"; fi; then
    lined=$(listed "$lined" "$(shown "$rc")")
  else
    by_hand "$shell" "$rc" "$code" ': it could not be written' >&2
    failed=1
  fi
}

remove_line() {
  rc=$1
  if [ ! -f "$rc" ] || [ ! -r "$rc" ] || [ -z "$(marked "$rc")" ]; then return; fi
  why=$(obstacle "$rc")
  if [ -z "$why" ] && strip "$rc"; then
    lined=$(listed "$lined" "$(shown "$rc")")
  else
    complain "the line in $(shown "$rc") stays: ${why:-it could not be written}. It ends in $mark"
    failed=1
  fi
}

# Sets $built to the binary to install.
build() {
  built=${REDTAB_INSTALL_BINARY-}
  if [ -z "$built" ]; then
    cargo=cargo
    have cargo || cargo=${CARGO_HOME:-${HOME-}/.cargo}/bin/cargo
    have "$cargo" || die "cargo was not found, and redtab is built with it.
        Install Rust (https://rustup.rs), then run ./install.sh again."
    (cd "$src" && "$cargo" build --release --locked --bin redtab --message-format=json-render-diagnostics) \
      >"$tmp/messages" </dev/null || die 'the build failed; cargo says why above.'
    # Where the binary lies depends on the target and on the user's cargo settings: cargo's word counts.
    built=$(LC_ALL=C sed -n 's/.*"executable":"\(.*\)","fresh":.*/\1/p' "$tmp/messages" |
      tail -n 1 | LC_ALL=C sed 's/\\\(["\\]\)/\1/g')
  fi
  [ -f "$built" ] || die "there is no binary at ${built:-the place cargo built it}."
  "$built" --version >/dev/null </dev/null || die "$(shown "$built") does not run on this machine."
}

# Installs file $1 as $2 with mode $3: whoever looks finds the old one or the new one, never half of one.
put() {
  part=$(dirname -- "$2")/.redtab.$$
  if [ ! -d "$2" ] && cp "$1" "$part" 2>/dev/null && chmod "$3" "$part" && mv -f "$part" "$2"; then return; fi
  rm -f "$part"
  die "$(shown "$2") can not be written."
}

targets() {
  printf '%s\n' bin/redtab share/man/man1/redtab.1 share/bash-completion/completions/redtab \
    share/zsh/site-functions/_redtab share/fish/vendor_completions.d/redtab.fish
}

install_files() {
  page=$src/docs/man/redtab.1
  [ -f "$page" ] || die "run install.sh from redtab's checkout."
  targets | while read -r target; do
    dir=$prefix/$(dirname -- "$target")
    if ! mkdir -p "$dir" 2>/dev/null || [ ! -w "$dir" ]; then
      die "$(shown "$dir") can not be written. Another place:  ./install.sh --prefix DIR"
    fi
  done || exit 1
  build
  for shell in bash zsh fish; do
    "$built" completions "$shell" >"$tmp/$shell" </dev/null || die "no completions for $shell came from $built."
  done
  put "$built" "$binary" 755
  put "$page" "$prefix/share/man/man1/redtab.1" 644
  put "$tmp/bash" "$prefix/share/bash-completion/completions/redtab" 644
  put "$tmp/zsh" "$prefix/share/zsh/site-functions/_redtab" 644
  put "$tmp/fish" "$prefix/share/fish/vendor_completions.d/redtab.fish" 644
}

# Loops read from a descriptor of their own: the body asks on the terminal and sets variables.
install_all() {
  install_files
  left_why=
  if [ "$consent" = ask ] && ! has_terminal; then
    consent=no
    left_why=' (there is no terminal to ask on)'
  fi
  rc_files >"$tmp/rc"
  while read -r kind file <&3; do
    add_line "$kind" "$file"
  done 3<"$tmp/rc"

  call=redtab
  case :${PATH-}: in
    *:"$prefix/bin":*) ;;
    *) call=$(quote_sh "$binary") ;;
  esac
  other=
  [ "$prefix" = "${HOME-}/.local" ] || other=" --prefix $(quote_sh "$prefix")"
  printf 'redtab: installed %s, its completions and its man page.\n' "$(shown "$binary")"
  if [ -n "$lined" ]; then printf '        The line that starts it is in %s.\n' "$lined"; fi
  printf '        Open a new shell. What it points at, and why:  %s status\n' "$call"
  printf '        To switch it off in a shell:  export REDTAB=off\n'
  printf '        To remove it:  ./install.sh --uninstall%s\n' "$other"
  show_known "$call"
}

# The first lines of what redtab thinks of the names on this machine, those that nobody settled first. $1 calls redtab.
show_known() {
  "$binary" targets >"$tmp/known" 2>/dev/null </dev/null || return 0
  case $(head -n 1 "$tmp/known") in
    '' | 'No '*) return 0 ;;
  esac
  count=$(($(wc -l <"$tmp/known")))
  unknown=$(($(LC_ALL=C grep -c '^unknown ' "$tmp/known")))
  printf 'redtab: names known here: %s, not judged yet: %s.\n' "$count" "$unknown"
  head -n "$shown_names" "$tmp/known"
  if [ "$count" -gt "$shown_names" ]; then
    printf '        %s more:  %s targets\n' "$((count - shown_names))" "$1"
  fi
}

remove_files() {
  targets >"$tmp/targets"
  while read -r target <&3; do
    file=$prefix/$target
    if [ ! -e "$file" ] && [ ! -L "$file" ]; then continue; fi
    if rm -f "$file" 2>/dev/null; then
      removed=1
    else
      complain "$(shown "$file") can not be removed."
      failed=1
    fi
  done 3<"$tmp/targets"
}

# Ends the watcher that this redtab started, and its service. Where there is neither, nothing is run.
end_watcher() {
  [ -x "$prefix/bin/redtab" ] || return 0
  for sign in "${REDTAB_RUN_DIR:-/run/user/$(id -u)/redtab}/watcher" \
    "${XDG_STATE_HOME:-$HOME/.local/state}/redtab/run/watcher" \
    "${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/redtab-watch.service"; do
    if [ -e "$sign" ]; then
      "$prefix/bin/redtab" watch uninstall </dev/null >/dev/null 2>&1 || :
      return 0
    fi
  done
}

uninstall_all() {
  removed=0
  rc_candidates >"$tmp/rc"
  while read -r file <&3; do
    remove_line "$file"
  done 3<"$tmp/rc"
  # A shell that starts before its line is gone would start another one.
  end_watcher
  remove_files

  if [ "$removed" -eq 1 ]; then
    printf 'redtab: removed what was installed in %s.\n' "$(shown "$prefix")"
  else
    printf 'redtab: nothing of redtab is in %s. Elsewhere:  ./install.sh --uninstall --prefix DIR\n' \
      "$(shown "$prefix")"
  fi
  if [ -n "$lined" ]; then printf '        Its line is gone from %s.\n' "$lined"; fi
  for kept in "${XDG_CONFIG_HOME:-$HOME/.config}/redtab" "$HOME/Library/Application Support/redtab" \
    "${XDG_STATE_HOME:-$HOME/.local/state}/redtab"; do
    if [ -d "$kept" ]; then printf '        Kept, for it is yours:  %s\n' "$(shown "$kept")"; fi
  done
  if [ "$removed" -eq 1 ]; then printf '        Shells that are open show redtab ? until they end.\n'; fi
}

# --- the command line -----------------------------------------------------------------------------------------------

catch_signals() {
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

printable() {
  case $1 in
    *[[:cntrl:]]*) return 1 ;;
  esac
}

action=install
consent=ask
prefix=
while [ $# -gt 0 ]; do
  case $1 in
    -y | --yes) [ "$consent" = no ] || consent=yes ;;
    --no-rc) consent=no ;;
    --uninstall) action=uninstall ;;
    -p | --prefix)
      [ -n "${2-}" ] || die "$1 needs a directory." 2
      prefix=$2
      shift
      ;;
    --prefix=?*) prefix=${1#--prefix=} ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      complain "'$1' is no option of install.sh."
      usage >&2
      exit 2
      ;;
  esac
  shift
done

case ${HOME-} in
  /*) HOME=${HOME%/} ;;
  *) die 'HOME is not set to an absolute path.' ;;
esac
src=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
prefix=${prefix:-$HOME/.local}
case $prefix in
  /*) ;;
  *) prefix=$PWD/$prefix ;;
esac
while [ "$prefix" != "${prefix%/}" ]; do prefix=${prefix%/}; done
printable "$prefix$HOME" || die 'a path with control characters in it can not stand in an rc file.'
binary=$prefix/bin/redtab
lined=

trap 'if [ -n "$tmp" ]; then rm -rf "$tmp"; fi' EXIT
catch_signals
tmp=$(mktemp -d "${TMPDIR:-/tmp}/redtab.XXXXXX") || die 'a temporary directory can not be made.'

case $action in
  install) install_all ;;
  uninstall) uninstall_all ;;
esac
exit "$failed"
