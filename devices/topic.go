package devices

import (
	"fmt"
	"strings"
)

// A Leaf is the last part of a device's topic: what kind of message it carries.
type Leaf string

// The leaves of the native format. Command goes down to the device, the others come up.
const (
	Telemetry Leaf = "telemetry"
	Status    Leaf = "status"
	Reports   Leaf = "report"
	Commands  Leaf = "command"
)

// TopicPrefix is the first part of every native topic; a change that breaks the contract gets a new one beside it.
const TopicPrefix = "ganlin/v1"

// UpLeaves returns what devices may publish.
func UpLeaves() []Leaf { return []Leaf{Telemetry, Status, Reports} }

// Topic returns the topic of the leaf for a device, such as ganlin/v1/s-001/telemetry.
func Topic(id DeviceID, leaf Leaf) string {
	return TopicPrefix + "/" + string(id) + "/" + string(leaf)
}

// ParseTopic splits a native upward topic into device and leaf. The device of
// the topic counts: no payload can speak for another one.
func ParseTopic(topic string) (DeviceID, Leaf, error) {
	rest, ok := strings.CutPrefix(topic, TopicPrefix+"/")
	if !ok {
		return "", "", fmt.Errorf("topic %s does not begin with %s/", quote(topic), TopicPrefix)
	}
	name, last, ok := strings.Cut(rest, "/")
	if !ok {
		return "", "", fmt.Errorf("topic %s has no part after the device", quote(topic))
	}
	id := DeviceID(name)
	if err := id.Validate(); err != nil {
		return "", "", fmt.Errorf("reading topic %s: %w", quote(topic), err)
	}
	switch leaf := Leaf(last); leaf {
	case Telemetry, Status, Reports:
		return id, leaf, nil
	default:
		return id, "", fmt.Errorf("topic %s ends in neither telemetry, status nor report", quote(topic))
	}
}
