package influxd

import "time"

// Silence is the sum of silences for its test.
type Silence struct{ s silence }

// Asked is silence.asked.
func (s *Silence) Asked(answered bool, took time.Duration) time.Duration {
	return s.s.asked(answered, took)
}

// SilentLimit is how long a child may be silent.
const SilentLimit = silentLimit

// SaveRecord leaves the record of a child in a folder, as a program does that is killed later.
func SaveRecord(dir string, pid int) error {
	_, started, _ := look(pid)
	return record{PID: pid, Started: started}.save(dir)
}

// SaveForeignRecord leaves the record of a process that started at another time.
func SaveForeignRecord(dir string, pid int) error {
	return record{PID: pid, Started: "1"}.save(dir)
}

// WriteConfig writes a configuration with free ports and returns its path.
func WriteConfig(dir string) (string, error) {
	at, err := ports{}.free()
	if err != nil {
		return "", err
	}
	return writeConfig(dir, at)
}
