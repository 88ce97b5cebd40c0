"""/r/<token>/: the invited person enters what a registration needs. No account; opening it changes nothing."""
