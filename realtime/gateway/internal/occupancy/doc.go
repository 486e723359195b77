// Package occupancy tells a realtime.Occupancies which channels have readers at this instance, in namespaces with `lifecycle`, and publishes what has
// become of these channels over all instances.
package occupancy
