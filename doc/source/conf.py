"""How Sphinx builds these documents; ``make docs`` runs it."""

from trove import version

project = 'Trove'
author = 'The Trove authors'
project_copyright = author
release = version.version_string()
version = release

extensions: list[str] = []
templates_path: list[str] = []
exclude_patterns: list[str] = []
highlight_language = 'none'
nitpicky = True

html_theme = 'alabaster'
html_theme_options = {
    'description': 'Database as a service',
    'fixed_sidebar': True,
    'page_width': '1100px',
}
html_sidebars = {'**': ['about.html', 'searchfield.html', 'navigation.html', 'relations.html']}
html_show_sourcelink = False
