"""The language of the windows: the one that the person set, else the one of the desktop."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from capture_agent.core.language import language, speak


def speak_as(wanted: str) -> str:
    """Say everything in `wanted` ("de_AT"; "" is what the desktop speaks) from now on; return the language.

    Called once, after the application and before any window is made. Qt's own windows (to choose
    a file) follow.
    """
    languages = QLocale.system().uiLanguages()  # as people order them: LANGUAGE, LC_MESSAGES, LANG
    speak(wanted or next(iter(languages), ""))
    app = QCoreApplication.instance()
    translator = QTranslator(app)
    if app is not None and translator.load(
        f"qtbase_{language()}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    ):
        app.installTranslator(translator)
    QLocale.setDefault(QLocale(language()))
    return language()
