package influx

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// CountValues counts the values of the four measurements of readings, flags
// of quality not included. It reads the whole database.
func (c *Client) CountValues(ctx context.Context) (int64, error) {
	series, err := c.Query(ctx, `SELECT count(*) FROM "soil", "weather", "valve", "device"`)
	if err != nil {
		return 0, fmt.Errorf("counting values: %w", err)
	}
	var sum int64
	for _, s := range series {
		for column, name := range s.Columns {
			if field, ok := strings.CutPrefix(name, "count_"); !ok || strings.HasSuffix(field, "_q") {
				continue
			}
			for _, row := range s.Values {
				number, ok := row[column].(json.Number)
				if !ok { // null: the measurement has no such field
					continue
				}
				n, err := number.Int64()
				if err != nil {
					return 0, fmt.Errorf("counting values: %w", err)
				}
				sum += n
			}
		}
	}
	return sum, nil
}
