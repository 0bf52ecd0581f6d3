package linkage

import "strings"

// normalRegion writes states of the US and countries in their short form.
func normalRegion(s string) string {
	f := fold(s)
	if len(f) > 2 {
		if short, ok := regions[f]; ok {
			return short
		}
	}
	return f
}

var regions = func() map[string]string {
	out := map[string]string{}
	for pair := range strings.SplitSeq(regionNames, ";") {
		short, names, _ := strings.Cut(strings.TrimSpace(pair), " ")
		for name := range strings.SplitSeq(names, "/") {
			out[name] = short
		}
	}
	return out
}()

const regionNames = `al alabama;ak alaska;az arizona;ar arkansas;ca california;co colorado;ct connecticut;de delaware;fl florida;ga georgia;hi hawaii;id idaho;il illinois;in indiana;ia iowa;ks kansas;
ky kentucky;la louisiana;me maine;md maryland;ma massachusetts;mi michigan;mn minnesota;ms mississippi;mo missouri;mt montana;ne nebraska;nv nevada;nh new hampshire;nj new jersey;nm new mexico;ny new york;
nc north carolina;nd north dakota;oh ohio;ok oklahoma;or oregon;pa pennsylvania;ri rhode island;sc south carolina;sd south dakota;tn tennessee;tx texas;ut utah;vt vermont;va virginia;wa washington;
wv west virginia;wi wisconsin;wy wyoming;dc district of columbia;nsw new south wales;vic victoria;qld queensland;tas tasmania;act australian capital territory;
us usa/united states/united states of america/u s/u s a;gb uk/united kingdom/great britain/gbr/england;de germany/deutschland/deu;fr france/fra;es spain/espana/esp;it italy/italia/ita;
nl netherlands/the netherlands/holland/nld;be belgium/belgie/belgique;ch switzerland/schweiz/suisse;at austria/osterreich;ca canada/can;au australia/aus;nz new zealand/nzl;ie ireland/irl;in india/ind;
cn china/chn;jp japan/jpn;br brazil/brasil/bra;mx mexico/mex;pl poland/polska/pol;se sweden/sverige/swe;no norway/norge/nor;dk denmark/danmark/dnk;fi finland/suomi/fin;pt portugal/prt;sg singapore/sgp;vn vietnam/viet nam/vnm`
