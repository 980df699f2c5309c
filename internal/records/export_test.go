package records

// DecisionsBeginning is how a decision is looked up by the beginning of its id.
const DecisionsBeginning = decisionsBeginning
