"""QR codes of addresses, to be printed and put up."""

import io

import segno

MODULE = 8  # of the picture's own units; a viewer scales it


def qr_svg(address: str, title: str) -> bytes:
    """Draw the QR code of an address as SVG, readable with a seventh of it damaged.

    Parameters
    ----------
    title
        What it opens, for those who cannot see it.
    """
    out = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        out, kind="svg", scale=MODULE, border=4, light="white", title=title, omitsize=True
    )
    return out.getvalue()
