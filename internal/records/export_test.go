package records

import "database/sql"

// DecisionsBeginning is how a decision is looked up by the beginning of its id.
const DecisionsBeginning = decisionsBeginning

// Reader is what the store reads by.
func (s *Store) Reader() *sql.DB { return s.reader }
