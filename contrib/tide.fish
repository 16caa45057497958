# redtab in tide's prompt.
#
# tide fills the first line of its prompt to the edge, so a badge in front of it makes the line too long, and fish cuts
# it to `…`. Here the badge is one of tide's own items instead. Save this file as
# ~/.config/fish/functions/_tide_item_redtab.fish, run these three lines once,
#
#     set -U tide_left_prompt_items redtab $tide_left_prompt_items
#     set -U tide_redtab_color brwhite
#     set -U tide_redtab_bg_color red
#
# and in ~/.config/fish/config.fish switch the hook's own badge off, in front of redtab's line:
#
#     set -gx REDTAB_SEGMENT off
#     redtab init fish | source
#
# A shell started from this one has REDTAB_SEGMENT as well: `unset REDTAB_SEGMENT` in ~/.bashrc. tide draws its items
# by a fish in the background, where this costs one more process; they show a moment after the prompt.

function _tide_item_redtab
    set -l text (redtab segment plain)
    test -n "$text"; and _tide_print_item redtab '' $text
end
