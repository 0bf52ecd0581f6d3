package door

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"clientele"
)

// ParseProxies reads addresses and networks (10.0.0.0/8) of proxies. Invalid when one is neither.
func ParseProxies(list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, addrErr := netip.ParseAddr(s)
			if addrErr != nil || a.Zone() != "" {
				return nil, clientele.Errorf(clientele.Invalid, "%q is neither an address nor a network", s).WithHint("for example 127.0.0.1, 10.0.0.0/8 or fd00::/8")
			}
			a = a.Unmap()
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// maxHops is how many proxies are looked through.
const maxHops = 32

// ClientIP finds the address of the person behind a request, "" when it is not known. Without trusted
// proxies it is the connection's peer, whatever headers say. Where the peer is a trusted
// proxy, X-Forwarded-For, or where that is missing Forwarded (RFC 7239), says who called it: the
// last address that is no trusted proxy's, since what stands before it is whatever the client wrote.
// When both are there and differ one of them is the client's own, and neither is believed.
func ClientIP(trusted []netip.Prefix) func(*http.Request) string {
	return func(r *http.Request) string {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			return ""
		}
		peer, err := netip.ParseAddr(host)
		if err != nil {
			return ""
		}
		peer = clean(peer)
		if !contains(trusted, peer) {
			return peer.String()
		}
		plain, hasPlain := plainChain(r.Header.Values("X-Forwarded-For"))
		rfc, hasRFC := rfcChain(r.Header.Values("Forwarded"))
		switch {
		case hasPlain && hasRFC:
			if a, b := origin(plain, trusted), origin(rfc, trusted); a == b {
				return a
			}
			return ""
		case hasPlain:
			return origin(plain, trusted)
		case hasRFC:
			return origin(rfc, trusted)
		}
		return peer.String() // the proxy itself called
	}
}

// origin goes from the last hop to the first. What a trusted proxy does not know, or hides, nobody knows.
func origin(chain []string, trusted []netip.Prefix) string {
	last := ""
	for i := len(chain) - 1; i >= 0 && len(chain)-i <= maxHops; i-- {
		a, ok := parseHop(chain[i])
		if !ok {
			return ""
		}
		if last = a.String(); !contains(trusted, a) {
			return last
		}
	}
	if len(chain) > maxHops {
		return ""
	}
	return last
}

// plainChain is X-Forwarded-For: addresses between commas, over all headers of the name.
func plainChain(values []string) (chain []string, has bool) {
	for _, v := range values {
		for hop := range strings.SplitSeq(v, ",") {
			if hop = strings.TrimSpace(hop); hop != "" {
				chain = append(chain, hop)
			}
		}
	}
	return chain, len(chain) > 0
}

// rfcChain is the for= of each element of Forwarded. An element without one is a hop that is not known.
func rfcChain(values []string) (chain []string, has bool) {
	for _, v := range values {
		for _, element := range cut(v, ',') {
			if strings.TrimSpace(element) == "" {
				continue
			}
			hop := "unknown"
			for _, pair := range cut(element, ';') {
				name, value, _ := strings.Cut(pair, "=")
				if strings.EqualFold(strings.TrimSpace(name), "for") {
					hop = strings.TrimSpace(value)
				}
			}
			chain = append(chain, unquote(hop))
		}
	}
	return chain, len(chain) > 0
}

// cut is strings.Split that leaves quoted text whole.
func cut(s string, at byte) (parts []string) {
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == at && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var b strings.Builder
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// parseHop reads an address, with a port or without: 192.0.2.1, 192.0.2.1:99, 2001:db8::1, [2001:db8::1]:99.
func parseHop(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return clean(a), true
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return clean(a.Addr()), true
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		if a, err := netip.ParseAddr(s[1 : len(s)-1]); err == nil {
			return clean(a), true
		}
	}
	return netip.Addr{}, false
}

func clean(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func contains(trusted []netip.Prefix, a netip.Addr) bool {
	for _, p := range trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
