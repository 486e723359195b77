// Package occupancytest is the suite that every realtime.Occupancies passes.
package occupancytest
