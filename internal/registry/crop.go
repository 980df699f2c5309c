package registry

// Crops and soil textures are names here; their coefficients belong to the
// water balance. The crops are those of FAO Irrigation and Drainage Paper 56
// (1998), table 12, sorted.
func crops() []string {
	return []string{
		"alfalfa", "almond", "apple", "apricot", "artichoke", "asparagus", "avocado", "banana", "barley", "bean_dry",
		"bean_green", "beet", "berry", "broad_bean_dry", "broad_bean_fresh", "broccoli", "brussels_sprout", "cabbage",
		"cacao", "cantaloupe", "carrot", "cassava", "castor", "cauliflower", "celery", "cherry", "chickpea", "citrus",
		"clover", "coffee", "cotton", "cowpea", "cucumber", "date_palm", "eggplant", "flax", "garlic", "grape_table",
		"grape_wine", "green_gram", "groundnut", "hops", "kiwi", "lentil", "lettuce", "maize_grain", "maize_sweet",
		"melon", "millet", "mint", "oats", "olive", "onion_dry", "onion_green", "onion_seed", "palm", "parsnip",
		"pasture", "pea_dry", "pea_fresh", "peach", "pear", "pepper", "pineapple", "pistachio", "potato", "pumpkin",
		"radish", "rapeseed", "rice", "rubber", "ryegrass", "safflower", "sesame", "sisal", "sorghum_grain",
		"sorghum_sweet", "soybean", "spinach", "squash", "strawberry", "sudangrass", "sugar_beet", "sugarcane",
		"sunflower", "sweet_potato", "tea", "tea_shaded", "tomato", "turf_cool", "turf_warm", "turnip", "walnut",
		"watermelon", "wheat_spring", "wheat_winter",
	}
}

// textures are the twelve classes of the USDA triangle from light to heavy;
// FAO-56, table 19, has nine of them and calls one of those silt_clay_loam.
func textures() []string {
	return []string{
		"sand", "loamy_sand", "sandy_loam", "loam", "silt_loam", "silt", "sandy_clay_loam", "clay_loam",
		"silt_clay_loam", "sandy_clay", "silty_clay", "clay",
	}
}
