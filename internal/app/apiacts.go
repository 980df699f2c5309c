package app

import (
	"context"
	"time"

	"ganlin/devices"
	"ganlin/internal/httpapi"
	"ganlin/internal/records"
)

// apiValves carries out what people want of valves, as the API asks for it.
type apiValves struct{ valveActs }

var _ httpapi.Valves = apiValves{}

// Stop closes every valve and tells in a word how that ended for each.
func (v apiValves) Stop(ctx context.Context, by string) (map[devices.DeviceID]string, error) {
	results, err := v.valveActs.Stop(ctx, by)
	said := map[devices.DeviceID]string{}
	for id, how := range results {
		said[id] = stopResult(how)
	}
	return said, err
}

// answerDay is how long the answer of an act is remembered.
const answerDay = 24 * time.Hour

// actAnswers remembers how acts were answered, by the machine's clock.
type actAnswers struct{ records *records.Store }

var _ httpapi.Answers = actAnswers{}

// Begin takes down that an act begins, or returns how the one of the same key stands.
func (a actAnswers) Begin(ctx context.Context, asked httpapi.Asked, digest, act string) (httpapi.Reply, error) {
	now := time.Now()
	kept, err := a.records.RememberAct(ctx, records.Asked(asked), records.Answered{Digest: digest, Act: act}, now, now.Add(-answerDay))
	return httpapi.Reply(kept), err
}

// Finish takes down how an act was answered.
func (a actAnswers) Finish(ctx context.Context, asked httpapi.Asked, how httpapi.Reply) error {
	return a.records.AnswerAct(ctx, records.Asked(asked), records.Answered(how))
}

// Forget lets an act be tried again.
func (a actAnswers) Forget(ctx context.Context, asked httpapi.Asked) error {
	return a.records.ForgetAct(ctx, records.Asked(asked))
}
