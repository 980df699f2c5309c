package water

import (
	"fmt"

	"ganlin/devices"
)

// A Class is how coarse a soil is, as far as drought grades ask.
type Class string

// The classes of soil. They follow the noun of the USDA texture: a sand is
// coarse, a loam or silt medium, a clay fine.
const (
	Coarse Class = "coarse"
	Medium Class = "medium"
	Fine   Class = "fine"
)

// A Soil is what a soil holds against gravity and what it keeps from roots, by volume.
type Soil struct {
	FieldCapacity float64 `json:"field_capacity"` // m3/m3
	WiltingPoint  float64 `json:"wilting_point"`  // m3/m3
	Class         Class   `json:"class"`
}

// SoilOf returns the soil of a texture, or one with the contents that are
// given. Nine textures have the middles of the ranges of FAO-56, table 19
// (p. 144); the three that it lacks have the values of Saxton and Rawls (2006),
// Soil Sci. Soc. Am. J. 70, table 3, at 2.5 % organic matter.
func SoilOf(s devices.Soil) (Soil, error) {
	if s.Texture == "" {
		if !(0 < s.WiltingPoint && s.WiltingPoint < s.FieldCapacity && s.FieldCapacity < 1) {
			return Soil{}, fmt.Errorf("soil with wilting point %g and field capacity %g m3/m3: not 0 < wilting point < field capacity < 1",
				s.WiltingPoint, s.FieldCapacity)
		}
		return Soil{s.FieldCapacity, s.WiltingPoint, classOf(s.WiltingPoint)}, nil
	}
	switch s.Texture {
	case "sand":
		return Soil{0.12, 0.045, Coarse}, nil
	case "loamy_sand":
		return Soil{0.15, 0.065, Coarse}, nil
	case "sandy_loam":
		return Soil{0.23, 0.11, Medium}, nil
	case "loam":
		return Soil{0.25, 0.12, Medium}, nil
	case "silt_loam":
		return Soil{0.29, 0.15, Medium}, nil
	case "silt":
		return Soil{0.32, 0.17, Medium}, nil
	case "sandy_clay_loam": // Saxton and Rawls
		return Soil{0.27, 0.17, Medium}, nil
	case "clay_loam": // Saxton and Rawls
		return Soil{0.36, 0.22, Medium}, nil
	case "silt_clay_loam":
		return Soil{0.335, 0.205, Medium}, nil
	case "sandy_clay": // Saxton and Rawls
		return Soil{0.36, 0.25, Fine}, nil
	case "silty_clay":
		return Soil{0.36, 0.23, Fine}, nil
	case "clay":
		return Soil{0.36, 0.22, Fine}, nil
	}
	return Soil{}, fmt.Errorf("soil texture %q is not known", s.Texture)
}

// classOf guesses the class from the wilting point, which follows the share of
// clay. The limits lie between the textures above; only clay_loam, which wilts
// like a clay, would fall on the other side.
func classOf(wiltingPoint float64) Class {
	switch {
	case wiltingPoint < 0.085:
		return Coarse
	case wiltingPoint < 0.21:
		return Medium
	default:
		return Fine
	}
}

// TAWMM is the total available water of a root zone, in mm (FAO-56, Eq. 82, p. 162).
func (s Soil) TAWMM(rootM float64) float64 {
	return 1000 * (s.FieldCapacity - s.WiltingPoint) * rootM
}
