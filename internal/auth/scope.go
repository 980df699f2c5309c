package auth

import (
	"maps"
	"slices"
)

// A Scope names what a route gives access to. Each has one line in the table
// below; a route whose scope has none is refused.
type Scope string

// The scopes. What ends in act changes something.
const (
	Open Scope = "open" // everybody, signed in or not
	Self Scope = "self" // everybody signed in: about their own account

	MachineRead Scope = "machine:read" // status, devices, dead letters, rules, accounts
	MachineAct  Scope = "machine:act"  // devices, accounts, forecasts, the step clock
	MetricsRead Scope = "metrics:read"

	WholeRead   Scope = "whole:read"   // everything at once, live: for whoever reaches every site
	VillageRead Scope = "village:read" // the villages within reach
	LandRead    Scope = "land:read"    // plots within reach: state, history, outlook, valves, alerts, decisions, ledger
	OwnRead     Scope = "own:read"     // the farmer's page
	WaterAct    Scope = "water:act"    // open and close valves, acknowledge and answer alerts
	ClearAct    Scope = "clear:act"    // the word of whoever has looked at a valve that it is shut
	StopAct     Scope = "stop:act"     // the emergency stop of every valve
	ResumeAct   Scope = "resume:act"   // the end of it: people may still stand at a pump

	CluesRead   Scope = "clues:read"
	CluesAct    Scope = "clues:act" // dispatch, visit, verify, dismiss: signed by a person of the place
	SignalsRead Scope = "signals:read"
	SignalsAct  Scope = "signals:act" // webhooks of one's own account
)

// grants is who may do what.
func grants() map[Scope][]Role {
	return map[Scope][]Role{
		Open: Roles(),
		Self: Roles(),

		MachineRead: {Operator},
		MachineAct:  {Operator},
		MetricsRead: {Operator, Monitor},

		WholeRead:   {Operator, Agronomist},
		VillageRead: {Operator, Agronomist},
		LandRead:    {Operator, Agronomist, Farmer},
		OwnRead:     {Farmer},
		WaterAct:    {Operator, Agronomist, Farmer},
		ClearAct:    {Operator, Agronomist},
		StopAct:     {Operator, Agronomist},
		ResumeAct:   {Operator},

		CluesRead:   {Operator, Agronomist, GridWorker},
		CluesAct:    {GridWorker},
		SignalsRead: {Operator, Monitor},
		SignalsAct:  {Operator, Monitor},
	}
}

// Scopes returns all scopes, sorted.
func Scopes() []Scope { return slices.Sorted(maps.Keys(grants())) }

// Known reports whether the scope is in the table.
func (s Scope) Known() bool { _, ok := grants()[s]; return ok }

// Allows reports whether the role has the scope.
func (s Scope) Allows(r Role) bool { return slices.Contains(grants()[s], r) }
