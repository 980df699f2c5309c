package devices

import (
	"fmt"
	"strings"
)

// A Key names one series of a device: a quantity, and where they apply the
// depth and the channel, as in "soil_moisture@20#2".
type Key struct {
	Quantity Quantity
	DepthCM  string // digits without leading zeros, centimetres below the surface; empty: none
	Channel  string // digits without leading zeros; empty: none
}

// maxKeyDigits bounds depth and channel: 9,999 cm is below every root and 10,000 channels are on no device.
const maxKeyDigits = 4

// ParseKey reads a key in the native form. It does not ask whether the quantity is known.
func ParseKey(s string) (Key, error) {
	rest, channel, hasChannel := strings.Cut(s, "#")
	name, depth, hasDepth := strings.Cut(rest, "@")
	k := Key{Quantity: Quantity(name)}
	if name == "" {
		return k, fmt.Errorf("key %s names no quantity", quote(s))
	}
	var err error
	if hasDepth {
		if k.DepthCM, err = keyDigits(depth); err != nil {
			return k, fmt.Errorf("reading the depth of key %s: %w", quote(s), err)
		}
	}
	if hasChannel {
		if k.Channel, err = keyDigits(channel); err != nil {
			return k, fmt.Errorf("reading the channel of key %s: %w", quote(s), err)
		}
	}
	return k, nil
}

func keyDigits(s string) (string, error) {
	if !isDigits(s) || len(s) > maxKeyDigits || (len(s) > 1 && s[0] == '0') {
		return "", fmt.Errorf("%s is not a whole number of 1 to %d digits without leading zeros", quote(s), maxKeyDigits)
	}
	return s, nil
}

// String returns the key in the form that ParseKey reads.
func (k Key) String() string {
	s := string(k.Quantity)
	if k.DepthCM != "" {
		s += "@" + k.DepthCM
	}
	if k.Channel != "" {
		s += "#" + k.Channel
	}
	return s
}
