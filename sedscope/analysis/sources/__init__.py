"""Row sources that the analysis derives: fixed gradients, their controls, and the stages between stored rows."""
