package mqtt

import "strings"

// matches reports whether a topic filter takes in a topic (MQTT 3.1.1, section 4.7).
func matches(filter, topic string) bool {
	if strings.HasPrefix(topic, "$") && !strings.HasPrefix(filter, "$") {
		return false
	}
	for {
		level, filterRest, filterMore := strings.Cut(filter, "/")
		name, topicRest, topicMore := strings.Cut(topic, "/")
		switch {
		case level == "#":
			return true
		case level != "+" && level != name:
			return false
		case !topicMore:
			return !filterMore || filterRest == "#" // "a/#" takes in "a" too
		case !filterMore:
			return false
		}
		filter, topic = filterRest, topicRest
	}
}
