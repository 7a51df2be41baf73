// Code and tables that are wider than the page can be scrolled with the keyboard.
for (const block of document.querySelectorAll("pre, .table-wrapper, .output")) {
  if (block.scrollWidth > block.clientWidth) {
    block.tabIndex = 0;
  }
}
