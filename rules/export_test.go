package rules

// ApplyAsTheyCome breaks the promise of order on purpose, for controls.
func (s *Site) ApplyAsTheyCome() { s.buffer.unsorted = true }
