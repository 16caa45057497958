# redtab in tide's prompt.
#
# tide fills the first line of its prompt to the edge, so a badge in front of it makes the line too long, and fish cuts
# it to `…`. Here the badge is one of tide's own items instead. Save this file as
# ~/.config/fish/functions/_tide_item_redtab.fish, run this line once,
#
#     set -U tide_left_prompt_items redtab $tide_left_prompt_items
#
# and say in redtab's configuration that the badge goes into a variable:
#
#     [prompt]
#     place = "variable"
#
# It keeps its own colours and costs no process: tide's own fish in the background inherits the variable.

function _tide_item_redtab
    test -n "$REDTAB_BADGE"; and _tide_print_item redtab '' $REDTAB_BADGE
end
