# redtab with pure: nothing to configure.
#
# redtab's hook puts its badge in front of pure's prompt, and it stays there while pure fills in what git says. redtab's
# line is best the last one in ~/.zshrc:
#
#     autoload -U promptinit; promptinit
#     prompt pure
#     eval "$(redtab init zsh)"           # or the line that install.sh added
