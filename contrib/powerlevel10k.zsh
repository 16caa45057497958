# redtab in a powerlevel10k prompt.
#
# powerlevel10k builds PROMPT by itself and leaves out what others put in front of it, so the badge has to be one of
# its elements. Put these lines, or `source` this file, into ~/.zshrc below the one that reads ~/.p10k.zsh. redtab's
# own line stays the last one in ~/.zshrc: it defines the functions behind the element.
#
# The badge comes first here; it may stand anywhere in POWERLEVEL9K_LEFT_PROMPT_ELEMENTS. Keep it out of the right
# side, which gives way to a long line. The instant prompt shows no badge: nothing has been looked at by then.

typeset -ga POWERLEVEL9K_LEFT_PROMPT_ELEMENTS
POWERLEVEL9K_LEFT_PROMPT_ELEMENTS=(redtab ${POWERLEVEL9K_LEFT_PROMPT_ELEMENTS:#redtab})
