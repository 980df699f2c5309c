package firmware

// Counts is what a device, or a fleet, knows of its own messages.
type Counts struct {
	Published    int64 `json:"published"`    // PUBLISH packets given to a connection, repeats included
	Acknowledged int64 `json:"acknowledged"` // of those, the ones whose PUBACK came on the same connection
	Values       int64 `json:"values"`       // numbers in acknowledged readings, each once however often it was sent; broken messages have none

	Readings    int64 `json:"readings"`    // acknowledged, each once
	Reports     int64 `json:"reports"`     // acknowledged, each once
	Broken      int64 `json:"broken"`      // messages cut short and acknowledged
	Duplicates  int64 `json:"duplicates"`  // messages published again although they had been acknowledged
	Dropped     int64 `json:"dropped"`     // readings never taken
	Late        int64 `json:"late"`        // readings held back
	Overwritten int64 `json:"overwritten"` // readings and reports lost because the memory was full
	Ignored     int64 `json:"ignored"`     // commands that a valve ignored: repeated, older or unreadable
	Connects    int64 `json:"connects"`    // sessions that the broker accepted
	Waiting     int64 `json:"waiting"`     // readings and reports without a PUBACK so far
	Held        int64 `json:"held"`        // readings that are still held back
}

// Add adds the counts of another device.
func (c *Counts) Add(o Counts) {
	c.Published += o.Published
	c.Acknowledged += o.Acknowledged
	c.Values += o.Values
	c.Readings += o.Readings
	c.Reports += o.Reports
	c.Broken += o.Broken
	c.Duplicates += o.Duplicates
	c.Dropped += o.Dropped
	c.Late += o.Late
	c.Overwritten += o.Overwritten
	c.Ignored += o.Ignored
	c.Connects += o.Connects
	c.Waiting += o.Waiting
	c.Held += o.Held
}
