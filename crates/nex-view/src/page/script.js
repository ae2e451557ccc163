// Shows, hides and opens what the page already holds. Text is only ever read, never written as markup.
(function () {
  'use strict';
  var list = document.getElementById('episodes');
  var form = document.getElementById('filters');
  if (!list || !form) return;

  var episodes = Array.prototype.slice.call(list.children);
  var selects = Array.prototype.slice.call(form.querySelectorAll('select[data-filter]'));
  var search = document.getElementById('search');
  var found = document.getElementById('found');
  var none = document.getElementById('none-found');
  var texts = [];

  function textOf(index) {
    if (texts[index] === undefined) texts[index] = episodes[index].textContent.toLowerCase();
    return texts[index];
  }

  function apply() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0;
    episodes.forEach(function (episode, index) {
      var fits = selects.every(function (select) {
        return select.value === '' || episode.getAttribute('data-' + select.getAttribute('data-filter')) === select.value;
      }) && words.every(function (word) { return textOf(index).indexOf(word) >= 0; });
      episode.hidden = !fits;
      if (fits) shown += 1;
    });
    found.textContent = shown === episodes.length ? shown + ' episodes' : shown + ' of ' + episodes.length + ' episodes';
    none.hidden = shown > 0;
  }

  function openTarget() {
    if (!/^#episode-\d+$/.test(location.hash)) return;
    var episode = document.getElementById(location.hash.slice(1));
    if (!episode) return;
    episode.open = true;
    episode.scrollIntoView();
  }

  form.hidden = false;
  form.addEventListener('submit', function (event) { event.preventDefault(); });
  form.addEventListener('input', apply);
  form.addEventListener('change', apply);

  Array.prototype.forEach.call(list.querySelectorAll('.tree-buttons'), function (buttons) { buttons.hidden = false; });
  list.addEventListener('click', function (event) {
    var button = event.target.closest ? event.target.closest('button') : null;
    if (!button) return;
    var tree = button.closest('.tree');
    var isOpen = button.hasAttribute('data-open');
    Array.prototype.forEach.call(tree.querySelectorAll('details.call'), function (call) { call.open = isOpen; });
  });

  var links = Array.prototype.slice.call(document.querySelectorAll('nav a'));
  if ('IntersectionObserver' in window) {
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) return;
        links.forEach(function (link) {
          if (link.getAttribute('href') === '#' + entry.target.id) link.setAttribute('aria-current', 'true');
          else link.removeAttribute('aria-current');
        });
      });
    }, { rootMargin: '-20% 0px -70% 0px' });
    Array.prototype.forEach.call(document.querySelectorAll('main > section'), function (section) { observer.observe(section); });
  }

  window.addEventListener('hashchange', openTarget);
  apply();
  openTarget();
})();
