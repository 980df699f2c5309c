package simtest

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// A Seen is a message as a subscriber got it.
type Seen struct {
	Topic    string
	Payload  string
	QoS      byte
	Retained bool
}

// An Observer is a plain subscriber that keeps whatever it gets.
type Observer struct {
	client mqtt.Client

	mu   sync.Mutex
	seen []Seen
}

// Observe subscribes to every native topic until the test ends. The subscriber
// comes back by itself when the broker does, and gets then what it missed.
func Observe(tb testing.TB, b *Broker) *Observer {
	tb.Helper()
	o := &Observer{}
	up := make(chan error, 16)
	options := mqtt.NewClientOptions().AddBroker("tcp://" + b.Address).SetClientID("observer-" + strconv.FormatInt(time.Now().UnixNano(), 36)).SetCleanSession(false).
		SetMaxReconnectInterval(100 * time.Millisecond).
		SetDefaultPublishHandler(o.take).
		SetOnConnectHandler(func(c mqtt.Client) {
			t := c.Subscribe("ganlin/v1/#", 1, nil)
			t.Wait()
			up <- t.Error()
		})
	o.client = mqtt.NewClient(options)
	if t := o.client.Connect(); t.Wait() && t.Error() != nil {
		tb.Fatal(t.Error())
	}
	if err := <-up; err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { o.client.Disconnect(250) })
	return o
}

func (o *Observer) take(_ mqtt.Client, m mqtt.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, Seen{m.Topic(), string(m.Payload()), m.Qos(), m.Retained()})
}

// Send publishes a message as the server would.
func (o *Observer) Send(tb testing.TB, topic, payload string) {
	tb.Helper()
	if t := o.client.Publish(topic, 0, false, payload); t.Wait() && t.Error() != nil {
		tb.Fatal(t.Error())
	}
}

// On returns what came on a topic so far, in order.
func (o *Observer) On(topic string) []Seen {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(o.seen), func(s Seen) bool { return s.Topic != topic })
}

// Topics returns the topics on which something came, and how much.
func (o *Observer) Topics() map[string]int {
	o.mu.Lock()
	defer o.mu.Unlock()
	counts := map[string]int{}
	for _, s := range o.seen {
		counts[s.Topic]++
	}
	return counts
}

// Until polls until a condition holds, or fails the test after half a minute.
func Until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			tb.Fatalf("%s: not within 30 s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
