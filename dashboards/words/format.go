package words

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Integer writes n with its thousands apart, as both languages do: 1,234,567.
func Integer(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Decimal writes x with a fixed number of decimals, its thousands apart and a true minus sign.
func Decimal(x float64, decimals int) string {
	text := strconv.FormatFloat(math.Abs(x), 'f', decimals, 64)
	whole, part, hasPart := strings.Cut(text, ".")
	if n, err := strconv.ParseInt(whole, 10, 64); err == nil {
		whole = Integer(n)
	}
	if hasPart {
		whole += "." + part
	}
	if x < 0 && strings.ContainsAny(whole, "123456789") {
		whole = "−" + whole
	}
	return whole
}

// Short is Decimal without zeros at its end: 61, 55.3.
func Short(x float64, decimals int) string {
	text := Decimal(x, decimals)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Moment writes the day and the time of t in its own zone; clock is a layout such as "15:04".
func Moment(l Language, t time.Time, clock string) string {
	day := "2 January 2006, "
	if l == Chinese {
		day = "2006年1月2日 "
	}
	return t.Format(day + clock)
}

// Day writes the day of t in its own zone.
func Day(l Language, t time.Time) string {
	if l == Chinese {
		return t.Format("2006年1月2日")
	}
	return t.Format("2 January 2006")
}

// Unit writes a canonical unit of a quantity as people read it.
func Unit(unit string) string {
	switch unit {
	case "1":
		return ""
	case "m3/m3":
		return "m³/m³"
	case "Cel":
		return "°C"
	case "deg":
		return "°"
	case "W/m2":
		return "W/m²"
	default:
		return unit
	}
}
