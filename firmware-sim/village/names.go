package village

import "math/rand/v2"

// Field names as hill villages have them, and the numbers that tell two fields of one name apart.
var (
	fieldNames = []string{
		"后坡", "前坪", "大湾", "垭口", "水井湾", "石板田", "老屋基", "竹林边", "梨树坪", "河沟头",
		"高岩脚", "晒坝", "磨子沟", "桐子坡", "柿子树", "凉水井", "长田", "弯田", "堰塘边", "庙坡",
	}
	fieldNumbers = []string{"一", "二", "三", "四", "五", "六", "七", "八", "九", "十"}
)

// plotNames returns n different names; beyond 200 they repeat.
func plotNames(n int, rng *rand.Rand) []string {
	all := make([]string, 0, len(fieldNames)*len(fieldNumbers))
	for _, name := range fieldNames {
		for _, number := range fieldNumbers {
			all = append(all, name+number+"号")
		}
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	names := make([]string, n)
	for i := range names {
		names[i] = all[i%len(all)]
	}
	return names
}
