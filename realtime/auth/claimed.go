package auth

// ClaimedTenant returns the tenant that a token claims in its claim "tenant", or "". Nothing of the token has been
// verified: it is good for choosing who is to verify it, and for nothing else.
func ClaimedTenant(token string) string {
	t, err := parse(token)
	if err != nil {
		return ""
	}
	payload, err := parseObject(t.payload)
	if err != nil {
		return ""
	}
	tenant, err := tenantOf(payload, "tenant", "")
	if err != nil {
		return ""
	}
	return tenant
}
