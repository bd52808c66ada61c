// A picture that is drawn smaller than it is leads to itself in full size.
for (const picture of document.querySelectorAll(".bd-article img")) {
  const lead = () => {
    const drawn = picture.getBoundingClientRect().width;
    if (picture.closest("a") || !drawn || picture.naturalWidth < 1.1 * drawn) return;
    const link = document.createElement("a");
    link.href = picture.currentSrc || picture.src;
    link.title = "Open this picture in full size";
    picture.replaceWith(link);
    link.append(picture);
  };
  if (picture.complete) lead();
  else picture.addEventListener("load", lead, { once: true });
}
