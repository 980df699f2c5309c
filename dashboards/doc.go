// Package dashboards is what people look at. It holds the built-in pages:
// rendered on the server, in Chinese and English, live over server-sent
// events, without any request to elsewhere. A program fills them through
// Source; the pages show and never act.
package dashboards
