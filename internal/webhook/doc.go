// Package webhook posts to addresses that others have named. It dials none
// that nobody outside has any business to name, follows no redirect, uses no
// proxy, signs as Standard Webhooks has it, and reads when to come again.
package webhook
