package rulefile

import (
	"fmt"
	"sync"

	"go.yaml.in/yaml/v3"
)

// usual are the parameters of the built-in rule that waters.
var usual = sync.OnceValue(func() map[string]float64 {
	var file struct {
		Rules []struct{ Params map[string]float64 }
	}
	const name = "builtin/water.yaml"
	text, err := builtinFiles.ReadFile(name)
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil || len(file.Rules) != 1 {
		panic(fmt.Sprintf("%s is no file of one rule: %v", name, err))
	}
	return file.Rules[0].Params
})
