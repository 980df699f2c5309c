// Package registry reads what stands where: places, sites, stations, plots and
// devices, from YAML and CSV files that people write. All problems of all files
// come out together, each with file, line and column; with one error among
// them there is no registry.
//
// A YAML file has the keys places, sites, stations, plots and devices. A CSV
// file holds one of the five, which its columns tell: the one that knows most
// of them. Its valves are separated by spaces or semicolons, its soil is a
// texture. Nothing here depends on today's date.
package registry
