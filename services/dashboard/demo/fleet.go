package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Vehicle is where a vehicle is and where it goes.
type Vehicle struct {
	Lat     float64  `json:"lat"`
	Lon     float64  `json:"lon"`
	Heading float64  `json:"heading"` // degrees from north
	Speed   float64  `json:"speed"`   // km/h
	Status  string   `json:"status"`  // driving, loading, delayed
	From    string   `json:"from"`
	To      string   `json:"to"`
	Load    string   `json:"load"`
	ETA     int64    `json:"eta"`   // milliseconds since 1970
	Trail   [][2]num `json:"trail"` // where it was, the oldest first: lon, lat
	stamped
}

// place is a depot. Vehicles drive between those that are neighbours.
type place struct {
	name     string
	lat, lon float64
	next     []string
}

var places = []place{
	{"Hamburg", 53.55, 9.99, []string{"Bremen", "Hannover", "Berlin", "Lübeck"}}, {"Bremen", 53.08, 8.80, []string{"Hamburg", "Hannover", "Dortmund"}},
	{"Lübeck", 53.87, 10.69, []string{"Hamburg", "Rostock"}}, {"Rostock", 54.09, 12.13, []string{"Lübeck", "Berlin"}},
	{"Hannover", 52.37, 9.73, []string{"Hamburg", "Bremen", "Dortmund", "Kassel", "Magdeburg"}}, {"Magdeburg", 52.13, 11.62, []string{"Hannover", "Berlin", "Leipzig"}},
	{"Berlin", 52.52, 13.40, []string{"Hamburg", "Rostock", "Magdeburg", "Leipzig", "Dresden", "Poznań"}}, {"Poznań", 52.41, 16.93, []string{"Berlin", "Wrocław", "Warszawa"}},
	{"Warszawa", 52.23, 21.01, []string{"Poznań", "Łódź"}}, {"Łódź", 51.76, 19.46, []string{"Warszawa", "Wrocław"}}, {"Wrocław", 51.11, 17.03, []string{"Poznań", "Łódź", "Praha", "Dresden"}},
	{"Dortmund", 51.51, 7.47, []string{"Bremen", "Hannover", "Kassel", "Köln", "Amsterdam"}}, {"Amsterdam", 52.37, 4.90, []string{"Dortmund", "Rotterdam"}},
	{"Rotterdam", 51.92, 4.48, []string{"Amsterdam", "Antwerpen"}}, {"Antwerpen", 51.22, 4.40, []string{"Rotterdam", "Bruxelles", "Köln"}}, {"Bruxelles", 50.85, 4.35, []string{"Antwerpen", "Lille", "Luxembourg"}},
	{"Lille", 50.63, 3.06, []string{"Bruxelles", "Paris", "Reims"}}, {"Köln", 50.94, 6.96, []string{"Dortmund", "Antwerpen", "Frankfurt"}}, {"Kassel", 51.31, 9.49, []string{"Hannover", "Dortmund", "Frankfurt", "Erfurt"}},
	{"Erfurt", 50.98, 11.03, []string{"Kassel", "Leipzig", "Nürnberg"}}, {"Leipzig", 51.34, 12.37, []string{"Magdeburg", "Berlin", "Dresden", "Erfurt", "Nürnberg"}}, {"Dresden", 51.05, 13.74, []string{"Berlin", "Leipzig", "Praha", "Wrocław"}},
	{"Frankfurt", 50.11, 8.68, []string{"Köln", "Kassel", "Mannheim", "Nürnberg"}}, {"Mannheim", 49.49, 8.47, []string{"Frankfurt", "Stuttgart", "Strasbourg", "Metz"}}, {"Luxembourg", 49.61, 6.13, []string{"Bruxelles", "Metz"}},
	{"Metz", 49.12, 6.18, []string{"Luxembourg", "Mannheim", "Strasbourg", "Reims", "Dijon"}}, {"Reims", 49.26, 4.03, []string{"Lille", "Paris", "Metz", "Dijon"}}, {"Paris", 48.86, 2.35, []string{"Lille", "Reims", "Dijon", "Orléans"}},
	{"Orléans", 47.90, 1.91, []string{"Paris", "Lyon"}}, {"Dijon", 47.32, 5.04, []string{"Paris", "Reims", "Metz", "Lyon", "Basel"}}, {"Lyon", 45.76, 4.84, []string{"Dijon", "Orléans", "Genève", "Grenoble"}},
	{"Grenoble", 45.19, 5.72, []string{"Lyon", "Genève"}}, {"Genève", 46.20, 6.14, []string{"Lyon", "Grenoble", "Zürich"}}, {"Basel", 47.56, 7.59, []string{"Dijon", "Strasbourg", "Zürich"}}, {"Zürich", 47.38, 8.54, []string{"Basel", "Genève", "Ulm", "Milano"}},
	{"Strasbourg", 48.58, 7.75, []string{"Metz", "Mannheim", "Basel", "Stuttgart"}}, {"Stuttgart", 48.78, 9.18, []string{"Mannheim", "Strasbourg", "Ulm", "Nürnberg"}}, {"Ulm", 48.40, 9.99, []string{"Stuttgart", "München", "Zürich"}},
	{"München", 48.14, 11.58, []string{"Ulm", "Nürnberg", "Salzburg", "Innsbruck"}}, {"Nürnberg", 49.45, 11.08, []string{"Frankfurt", "Erfurt", "Leipzig", "Stuttgart", "München", "Praha"}}, {"Praha", 50.08, 14.44, []string{"Dresden", "Nürnberg", "Wrocław", "Brno", "Linz"}},
	{"Brno", 49.20, 16.61, []string{"Praha", "Wien"}}, {"Wien", 48.21, 16.37, []string{"Brno", "Linz", "Graz"}}, {"Linz", 48.31, 14.29, []string{"Wien", "Salzburg", "Praha"}}, {"Salzburg", 47.80, 13.04, []string{"Linz", "München", "Graz"}},
	{"Graz", 47.07, 15.44, []string{"Wien", "Salzburg"}}, {"Innsbruck", 47.27, 11.40, []string{"München", "Verona"}}, {"Verona", 45.44, 10.99, []string{"Innsbruck", "Milano"}}, {"Milano", 45.46, 9.19, []string{"Zürich", "Verona"}},
}

// northOf is the latitude that parts the regions of the fleet.
const northOf = 50.3

const (
	fleetSize  = 120
	fleetEvery = 4 * time.Second // how often a vehicle tells where it is
	fleetSpeed = 12              // times as fast as real ones, so that they are seen to move
	mostTrail  = 14
)

type vehicle struct {
	key, region, load string
	from, to          *place
	part              float64 // of the way that it has gone
	bend              float64
	speed             float64
	rests             time.Time // until when it stands
	silent            time.Time // until when nothing is heard of it
	late              bool
	trail             [][2]num
	rng               *rand.Rand
}

// fleet is a feed of vehicles, of which each belongs to a region.
func fleet(tenant string) Feed {
	byName := map[string]*place{}
	for i := range places {
		byName[places[i].name] = &places[i]
	}
	loads := []string{"pallets", "parcels", "chilled food", "machine parts", "pharma", "furniture", "steel coils", "returns"}
	var vehicles []*vehicle
	for i := range fleetSize {
		rng := source(tenant, fmt.Sprint("vehicle", i))
		v := &vehicle{load: loads[rng.IntN(len(loads))], rng: rng, part: rng.Float64(), from: &places[(i*7)%len(places)]}
		v.region = "south"
		if v.from.lat > northOf {
			v.region = "north"
		}
		v.key = fmt.Sprintf("%s-%03d", map[string]string{"north": "N", "south": "S"}[v.region], i+1)
		v.depart(byName)
		vehicles = append(vehicles, v)
	}
	const slots = 8
	turn, last := 0, time.Now()
	for i := range mostTrail {
		for _, v := range vehicles {
			v.drive(byName, last.Add(time.Duration(i-mostTrail)*fleetEvery), fleetEvery)
		}
	}
	return Feed{Name: tenant + " fleet", Every: fleetEvery / slots, Next: func(now time.Time) (events []Event) {
		for i, v := range vehicles {
			if i%slots != turn%slots && turn != 0 {
				continue
			}
			if at := v.drive(byName, now, fleetEvery); now.After(v.silent) {
				events = append(events, Event{Channel: "vehicles:fleet", Key: v.key, Tags: map[string]string{"region": v.region}, Data: at})
			}
		}
		turn++
		return events
	}}
}

// depart chooses a neighbour within the region to drive to.
func (v *vehicle) depart(byName map[string]*place) {
	var choices []*place
	for _, name := range v.from.next {
		if p := byName[name]; (p.lat > northOf) == (v.region == "north") {
			choices = append(choices, p)
		}
	}
	if len(choices) == 0 {
		choices = append(choices, byName[v.from.next[0]])
	}
	v.to = choices[v.rng.IntN(len(choices))]
	v.bend, v.speed, v.late = 0.12*(v.rng.Float64()-0.5), 68+v.rng.Float64()*18, v.rng.IntN(12) == 0
}

// drive moves it on and returns where it is then.
func (v *vehicle) drive(byName map[string]*place, now time.Time, d time.Duration) Vehicle {
	if v.rng.Float64() < 0.0015 {
		v.silent = now.Add(time.Duration(25+v.rng.IntN(50)) * time.Second) // a tunnel
	}
	way := distance(v.from, v.to)
	speed, status := v.speed, "driving"
	if v.late {
		speed, status = v.speed*0.5, "delayed"
	}
	if now.Before(v.rests) {
		speed, status = 0, "loading"
	}
	v.part += speed * d.Hours() * fleetSpeed / way
	if v.part >= 1 {
		v.from, v.part = v.to, 0
		v.rests = now.Add(time.Duration(8+v.rng.IntN(22)) * time.Second)
		v.depart(byName)
		way = distance(v.from, v.to)
	}
	lat, lon := v.at(v.part)
	lat2, lon2 := v.at(v.part + 0.01)
	heading := math.Mod(math.Atan2((lon2-lon)*math.Cos(lat*math.Pi/180), lat2-lat)*180/math.Pi+360, 360)
	at := Vehicle{
		Lat: lat, Lon: lon, Heading: math.Round(heading), Speed: math.Round(speed * (0.95 + 0.1*v.rng.Float64())), Status: status, From: v.from.name, To: v.to.name, Load: v.load,
		ETA:   now.Add(time.Duration((1 - v.part) * way / max(speed, 40) / fleetSpeed * float64(time.Hour))).UnixMilli(),
		Trail: append([][2]num{}, v.trail...), stamped: stamp(now),
	}
	v.trail = append(v.trail, [2]num{num(lon), num(lat)})
	if len(v.trail) > mostTrail {
		v.trail = v.trail[len(v.trail)-mostTrail:]
	}
	return at
}

// at is a place on the way, which is a curve.
func (v *vehicle) at(part float64) (lat, lon float64) {
	a, b := v.from, v.to
	off := v.bend * 4 * part * (1 - part)
	lat = a.lat + (b.lat-a.lat)*part + off*(b.lon-a.lon)*0.6
	lon = a.lon + (b.lon-a.lon)*part - off*(b.lat-a.lat)
	return math.Round(lat*1e4) / 1e4, math.Round(lon*1e4) / 1e4
}

// distance is in kilometres.
func distance(a, b *place) float64 {
	x := (b.lon - a.lon) * math.Cos((a.lat+b.lat)/2*math.Pi/180)
	return 111.2 * math.Hypot(x, b.lat-a.lat)
}
