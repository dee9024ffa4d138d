// SPDX-License-Identifier: MIT
// Runs before the page is painted: a theme that was chosen here counts, otherwise the system's does.
try {
  const chosen = localStorage.getItem("mcpstate.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is turned off: the system's theme it is.
}
